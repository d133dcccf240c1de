"""One exercise as a learner sees it: the attack on the broken app, the cure, and the same attack on three others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import click

from lab.exercises import Exercise
from lab.stage import App, Stage
from lab.theatre import staged
from lab.trial import Trial, try_on

COLOURS = {"+": "green", "-": "red", "@": "cyan"}
OUTCOMES = {"worked": "red", "failed": "green"}
MEANING = {
    "worked": "The attack worked.",
    "failed": "The attack failed.",
    "could not be made": "The attack could not be made, so it shows nothing.",
}


def play(exercise: Exercise) -> bool:
    """True when the attack worked on the broken app, and failed on the cured one and on this app."""
    with staged() as stage:
        click.secho(f"{exercise.title}\n", bold=True)
        click.echo(exercise.attack)
        broken = _scene(stage, exercise, "The broken app", lambda: stage.small_app(exercise, "broken"))
        _heading("The cure")
        _show(exercise.cure.read_text("utf-8"))
        cured = _scene(stage, exercise, "The cured app", lambda: stage.small_app(exercise, "cured"))
        if exercise.mine.exists():
            mine = _scene(stage, exercise, "Your mine.py", lambda: stage.small_app(exercise, "mine"))
            if mine.outcome == "failed":
                exercise.note_solved()
                click.secho("Solved: yours has withstood it.", bold=True)
        this_app = _scene(stage, exercise, "This app", lambda: stage.this_app(exercise))
    return [broken.outcome, cured.outcome, this_app.outcome] == ["worked", "failed", "failed"]


def keep_running(exercise: Exercise) -> bool:
    """Leave the broken app running until Ctrl-C."""
    with staged() as stage:
        app = stage.small_app(exercise, "broken")
        click.echo(f"{exercise.title} runs at {app.url} with an invented key, and its log is {app.log}.")
        click.echo("The attack, in another terminal, from this folder:\n")
        for name, value in stage.clues(app).items():
            click.echo(f"  {name}={value} \\")
        click.echo(f"  .venv/bin/python -m lab.{exercise.name}.attack {app.url}\n\nCtrl-C ends it.")
        threading.Event().wait()
    return True


def _scene(stage: Stage, exercise: Exercise, who: str, start: Callable[[], App]) -> Trial:
    _heading(who)
    click.echo("starting ...")
    app = start()
    click.echo(f"it runs at {app.url}; the attack begins")
    began = time.monotonic()
    trial = try_on(stage, exercise, app, lambda line: click.echo(f"{time.monotonic() - began:6.1f} s  {line}"))
    if trial.outcome == "could not be made":
        click.echo("\n".join(trial.output))
    click.secho(MEANING[trial.outcome] + trial.bill, fg=OUTCOMES.get(trial.outcome, "yellow"))
    return trial


def _heading(words: str) -> None:
    click.secho(f"\n{words}", bold=True)


def _show(diff: str) -> None:
    for line in diff.splitlines():
        click.secho(f"  {line}", fg=COLOURS.get(line[:1]))
