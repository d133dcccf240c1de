"""The scan of files, staged changes and history for keys and other secrets."""
