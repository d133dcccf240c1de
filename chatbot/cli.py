"""Commands of `flask`: each prints what it did, and exits non-zero when something is wrong."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from chatbot import migrate
from chatbot.web.parts import parts

database = AppGroup("db", help="The database.")


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
