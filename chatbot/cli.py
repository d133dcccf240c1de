"""Commands of `flask`: each prints what it found and the fix, and exits non-zero when something is wrong."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from chatbot import migrate
from chatbot.commands.alerts import alerts
from chatbot.commands.doctor import doctor
from chatbot.commands.drill import drill
from chatbot.commands.keys import keys
from chatbot.commands.pause import pause, resume
from chatbot.commands.scan import scan
from chatbot.commands.setup import setup
from chatbot.commands.usage import usage
from chatbot.web.parts import parts

database = AppGroup("db", help="The database.")
commands: list[click.Command] = [alerts, database, doctor, drill, keys, pause, resume, scan, setup, usage]


@database.command("upgrade")
@with_appcontext
def upgrade() -> None:
    """Bring the tables to this app's version; safe to run again."""
    before, after = migrate.upgrade(parts().engine)
    click.echo(
        f"The tables are at version {after}, as before."
        if before == after
        else f"The tables went from {before} to {after}."
    )
