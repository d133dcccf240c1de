"""The first run: its steps, their questions, and the files that the answers are written to."""
