"""All exercises, a line each: every attack works on its broken app, and fails on the cured one and on this app."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import click

from lab.exercises import Exercise, exercises
from lab.stage import Stage
from lab.theatre import staged
from lab.trial import Trial, try_on

EXPECTED = {"broken": "worked", "cured": "failed", "this app": "failed"}


def check_all() -> bool:
    """True when all of them hold."""
    with staged() as stage:
        wrong = [each for each in exercises() if not _holds(stage, each)]
    click.echo(f"{len(wrong)} do not hold." if wrong else "All of them hold.")
    return not wrong


def trials(stage: Stage, exercise: Exercise) -> dict[str, Trial]:
    """How the attack goes on the broken app, on the cured one and on this app, which are started together."""
    with ThreadPoolExecutor() as threads:
        starting = {
            "broken": threads.submit(stage.small_app, exercise, "broken"),
            "cured": threads.submit(stage.small_app, exercise, "cured"),
            "this app": threads.submit(stage.this_app, exercise),
        }
    made = {}
    for kind, app in starting.items():
        made[kind] = try_on(stage, exercise, app.result())
        stage.end(app.result())
    return made


def _holds(stage: Stage, exercise: Exercise) -> bool:
    made = trials(stage, exercise)
    wrong = [kind for kind, trial in made.items() if trial.outcome != EXPECTED[kind]]
    told = ", ".join(f"{kind}: {trial.outcome}" for kind, trial in made.items())
    click.echo(f"{'WRONG' if wrong else 'ok   '} {exercise.title} ({told})")
    for kind in wrong:
        click.echo("\n".join(f"      {kind}: {line}" for line in made[kind].output))
    return not wrong
