"""The tables, for commands that read or write them: set up where there are none, and a fault told in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from chatbot import migrate
from chatbot.errors import SettingsError


@contextmanager
def tables(engine: Engine) -> Iterator[Engine]:
    """Inside, the tables are there. What fails ends the command with one line, and 2."""
    try:
        migrate.prepare(engine)
        yield engine
    except SQLAlchemyError as error:
        raise SettingsError(
            [f"The database fails: {type(error).__name__}. Start it, and check DATABASE_URL."]
        ) from None
