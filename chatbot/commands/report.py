"""What a command found, line by line: what is right, what to think of, what is wrong and its fix."""

from __future__ import annotations

import sys

import click


class Report:
    """Prints each finding as it is made. A finding that is wrong makes the command exit with 1."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_clean = True

    def right(self, found: str) -> None:
        self._say("ok   ", found)

    def note(self, found: str, fix: str) -> None:
        self._say("note ", f"{found}. {fix}")

    def wrong(self, found: str, fix: str) -> None:
        self.is_clean = False
        self._say("WRONG", f"{found}. Fix: {fix}")

    def end(self) -> None:
        """Exit with 1 if anything was wrong."""
        if not self.is_clean:
            sys.exit(1)

    def _say(self, kind: str, line: str) -> None:
        self.lines.append(f"{kind} {line}")
        click.echo(self.lines[-1])
