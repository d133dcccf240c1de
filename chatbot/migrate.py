"""Brings the tables up to date (Alembic): an empty database is set up at start, an old one only when asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from chatbot.config import ROOT
from chatbot.db import writing
from chatbot.errors import SettingsError

MIGRATIONS = ROOT / "chatbot" / "migrations"
PATIENCE_S = 60
ADVISORY_LOCK = 7_236_101  # any fixed number: workers that start together take turns


def prepare(engine: Engine) -> None:
    """Set up an empty database. Raises SettingsError when its tables are of another version."""
    with _in_turn(engine) as connection:
        current, newest = _revisions(connection)
        if current == newest:
            return
        if current is not None or inspect(connection).has_table("chats"):
            raise SettingsError(
                [f"DATABASE_URL holds tables of version {current}, this app needs {newest}: run `flask db upgrade`."]
            )
        _upgrade(connection)


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring the tables to the newest version; the versions before and after. Raises SettingsError for a newer one."""
    with _in_turn(engine) as connection:
        current, newest = _revisions(connection)
        _upgrade(connection)
    return current, newest


@contextmanager
def _in_turn(engine: Engine) -> Iterator[Connection]:
    """One worker after another, however long that takes: one that gave up would end the start of all."""
    with writing(engine.execution_options(patience_s=PATIENCE_S)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})
        yield connection


def _config() -> Any:
    from alembic.config import Config  # only a change of the tables needs Alembic, not every start

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _revisions(connection: Connection) -> tuple[str | None, str]:
    newest = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
    known = inspect(connection).has_table("alembic_version")
    current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    return current, newest


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.util import CommandError

    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        version = _revisions(connection)[0]
        raise SettingsError(
            [f"DATABASE_URL holds tables of version {version}, which this app does not know: update the app."]
        ) from None
