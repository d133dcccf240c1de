"""Questions to whoever sits at the terminal, or to the lines of a pipe; what is secret is never echoed."""

from __future__ import annotations

import re
import sys
import warnings
from getpass import GetPassWarning, getpass

import click

from chatbot.key.redact import redact
from chatbot.key.shapes import holds_key
from chatbot.key.watch import watch

INDENT = "    "
PASTE_MARKS = re.compile(r"\x1b\[20[01]~")  # that some terminals put around what is pasted


def say(line: str) -> None:
    click.echo(INDENT + redact(line))


def ask(question: str) -> str:
    """The answer, without the blanks around it. Raises EOFError where there is no more."""
    while True:
        click.echo(f"{INDENT}{redact(question)} ", nl=False)
        if not is_key(typed := _line().strip()):
            return typed


def is_key(typed: str) -> bool:
    """Does it hold a key, where none was asked for? Then say so."""
    if found := holds_key(typed) or bool(watch.find(typed)):
        say("That is a key: it belongs to the first question. Revoke it if others saw it.")
    return found


def choose(question: str, letters: str) -> str:
    """One of these letters, or nothing for Enter."""
    while (answer := ask(question).lower()) and (len(answer) > 1 or answer not in letters):
        say(f"That is {'none of' if len(letters) > 1 else 'not'} {', '.join(letters)}.")
    return answer


def ask_hidden(question: str) -> str:
    """The answer as it was typed, unseen. Raises EOFError, and ClickException where the terminal would show it."""
    if not sys.stdin.isatty():
        click.echo(f"{INDENT}{question} (it is read from a pipe)", nl=False)
        return _line()
    with warnings.catch_warnings(action="error", category=GetPassWarning):
        try:
            return PASTE_MARKS.sub("", getpass(f"{INDENT}{question} "))
        except GetPassWarning:
            raise click.ClickException("This terminal would show what is typed. Use another one, or a pipe.") from None


def _line() -> str:
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo()
    if not line:
        raise EOFError
    return PASTE_MARKS.sub("", line.rstrip("\r\n"))
