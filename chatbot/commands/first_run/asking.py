"""Questions to whoever sits at the terminal, or to the lines of a pipe; what is secret is never echoed."""

from __future__ import annotations

import sys
import warnings
from getpass import GetPassWarning, getpass

import click

INDENT = "    "


def say(line: str) -> None:
    click.echo(INDENT + line)


def ask(question: str) -> str:
    """The answer, without the blanks around it. Raises EOFError where there is no more."""
    click.echo(f"{INDENT}{question} ", nl=False)
    return _line().strip()


def choose(question: str, letters: str) -> str:
    """One of these letters, or nothing for Enter."""
    while (answer := ask(question).lower()) and (len(answer) > 1 or answer not in letters):
        say(f"That is none of {', '.join(letters)}.")
    return answer


def ask_hidden(question: str) -> str:
    """The answer as it was typed, unseen. Raises EOFError, and ClickException where the terminal would show it."""
    if not sys.stdin.isatty():
        click.echo(f"{INDENT}{question} (it is read from a pipe)", nl=False)
        return _line()
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return getpass(f"{INDENT}{question} ")
        except GetPassWarning:
            raise click.ClickException("This terminal would show what is typed. Use another one, or a pipe.") from None


def _line() -> str:
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")
