"""`flask lab`: lists the exercises, plays one in full, or checks that all of them hold."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from lab.check import check_all
from lab.exercises import exercises, find
from lab.play import keep_running, play

lab = AppGroup("lab", help="Small apps that are broken on purpose: attack them, mend them.")


@lab.command("list", with_appcontext=False)
def list_exercises() -> None:
    """The exercises, what each attack does, and which of them you have solved."""
    for each in exercises():
        click.echo(f"{each.title:<36} {'solved' if each.is_solved else '':<7} {each.attack}")
    click.echo("\nflask lab attack NUMBER plays one. To solve it, mend a copy of its app.py as mine.py beside it.")


@lab.command("attack", with_appcontext=False)
@click.argument("exercise")
@click.option("--keep", is_flag=True, help="Leave the broken app running, to play with, until Ctrl-C.")
def attack(exercise: str, keep: bool) -> None:
    """Attack EXERCISE, given by number or name: as it is, cured, as you have mended it, and this app."""
    found = find(exercise)
    if found is None:
        raise click.UsageError(f"There is no exercise {exercise}; flask lab list shows them.")
    sys.exit(0 if (keep_running if keep else play)(found) else 1)


@lab.command("check", with_appcontext=False)
def check() -> None:
    """Does each attack work on its broken app, and fail on the cured one and on this app?"""
    sys.exit(0 if check_all() else 1)
