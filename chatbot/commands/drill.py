"""`flask drill`: what to do when a key leaks, rehearsed with a fake OpenAI, or step by step for a real incident."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from chatbot.commands.incident import Incident
from chatbot.commands.rehearsed import Rehearsal
from chatbot.web.parts import parts


@click.command("drill")
@click.option("--real", is_flag=True, help="A key has leaked: ask, verify each step and write the report.")
@with_appcontext
def drill(real: bool) -> None:
    """Rehearse the loss of a key: real processes, a fake OpenAI on this machine, no key of yours."""
    is_good = Incident(parts()).run() if real else Rehearsal().run()
    sys.exit(0 if is_good else 1)
