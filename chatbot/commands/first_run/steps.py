"""The steps of the first run, as `flask setup` and the chat page of the tutor tell them."""

from __future__ import annotations

from typing import NamedTuple

import click


class Step(NamedTuple):
    """Its name, what it is about, and the command that does it."""

    name: str
    says: str
    command: str = ".venv/bin/flask setup"


STEPS = (
    Step("The key", "Paste it where nobody sees it. It goes into a file that only the server can read."),
    Step("The proof", "OpenAI is asked whether it takes the key. That call is free."),
    Step("The budget", "Choose the most that a day and a month may cost, and see the worst case."),
    Step("The access code", "Let everybody in, or only those who know a code."),
    Step("The admin password", "It opens your desk at /admin, where you see what is spent and can stop it."),
    Step("The check", "The doctor looks at all of it once more. Then start the app.", "make run"),
)
KEY, PROOF, BUDGET, ACCESS_CODE, ADMIN_PASSWORD, CHECK = STEPS


def head(step: Step) -> None:
    """Print the step's first line."""
    click.echo(f"\n{STEPS.index(step) + 1}/{len(STEPS)} {step.name}. {step.says}")
