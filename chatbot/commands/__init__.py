"""The commands of `flask` that need no running app."""
