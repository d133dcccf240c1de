"""`flask setup`: walks the operator through the first run, writes what was chosen at its end, and asks the doctor."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from chatbot.commands.first_run import env_file, private_file
from chatbot.commands.first_run.choices import Choices
from chatbot.commands.first_run.door_steps import ask_access_code, ask_admin_password
from chatbot.commands.first_run.key_steps import ask_key
from chatbot.commands.first_run.money_step import ask_budget
from chatbot.commands.first_run.steps import CHECK, head
from chatbot.config import ROOT, platform
from chatbot.key.source import is_open_to_others
from chatbot.scan.errors import CannotScan
from chatbot.scan.git import checkout_of, succeeds

ENV_PATH = ROOT / ".env"
KEY_PATH = ROOT / "instance" / "openai-key"
Found = tuple[env_file.EnvFile, tuple[int, int] | None]


@click.command("setup")
def setup() -> None:
    """Key, budget, access code, admin password: asked for one by one, checked, and kept where only the server reads."""
    refuse_where_it_cannot_stay()
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.default_int_handler)  # a hidden prompt then gives the terminal its echo back
    click.echo("Enter keeps what is. Nothing is written before the last step; Ctrl-C leaves everything as it was.")
    try:
        with _files_named():
            before = found()
            choices = Choices(before[0])
            ask_key(choices, KEY_PATH)
            ask_budget(choices)
            ask_access_code(choices)
            ask_admin_password(choices)
    except (click.Abort, KeyboardInterrupt, EOFError):
        click.echo("\nNothing was changed.")
        sys.exit(1)
    head(CHECK)
    save(choices, before)
    doctor = subprocess.run([sys.executable, "-m", "flask", "doctor"], cwd=ROOT, check=False)
    click.echo(f"\n{'Mend what is WRONG, then' if doctor.returncode else 'Next'}: {CHECK.command}")
    sys.exit(doctor.returncode)


@contextmanager
def _files_named() -> Iterator[None]:
    """Inside, nothing is changed where a file fails; raises ClickException then."""
    try:
        yield
    except OSError as error:
        name = error.filename2 or error.filename or "A file"
        raise click.ClickException(f"{name} cannot be written: {error.strerror}. Nothing was changed.") from None


def refuse_where_it_cannot_stay() -> None:
    """Raises ClickException where nobody can answer, git would track what is written, or the disk is thrown away."""
    if sys.stdin is None:
        raise click.ClickException("It asks questions, and its standard input is closed. Nothing was changed.")
    if name := platform():
        raise click.ClickException(f"{name} keeps no files: set OPENAI_API_KEY and the others as variables there.")
    with suppress(CannotScan):  # there is no git
        for path in (ENV_PATH, KEY_PATH) if checkout_of(ROOT) else ():
            if not succeeds(ROOT, "check-ignore", "--quiet", str(path)):
                shown = path.relative_to(ROOT)
                raise click.ClickException(
                    f"git would track {shown}: add a line /{shown} to .gitignore, and see `git rm --cached {shown}`."
                )


def found() -> Found:
    """What is there: the text of `.env`, and what tells one key's file from another."""
    told = KEY_PATH.stat() if KEY_PATH.exists() else None
    return env_file.read(ENV_PATH), (told.st_mtime_ns, told.st_ino) if told else None


def save(choices: Choices, before: Found) -> None:
    """Write the key's file and `.env`, both or none; then show, once, what was made."""
    contents: list[tuple[Path, bytes]] = []
    if choices.key:
        contents.append((KEY_PATH, f"{choices.key.reveal()}\n".encode()))
    if choices.env != before[0] or is_open_to_others(ENV_PATH):
        contents.append((ENV_PATH, choices.env.content))
    with _files_named():
        if found() != before:
            raise click.ClickException(".env or the key was changed meanwhile: nothing was written. Run it again.")
        if choices.key:
            private_file.close_folder(KEY_PATH.parent)
        private_file.write(contents)
    names = [str(path.relative_to(ROOT)) for path, _ in contents]
    click.echo(f"    Written: {' and '.join(names)}." if names else "    Nothing was changed.")
    for words, secret in choices.made.items():
        click.echo(f"    The {words}, shown only now: {secret}")
    click.echo()
