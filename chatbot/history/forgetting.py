"""Words of deleted chats: SQLite's index only notes that they are gone, until its parts are merged into one."""

from __future__ import annotations

from sqlalchemy import Engine, text

from chatbot.db import writing

PAGES = 300  # of 4 kB that one step writes: some 20 ms, in which nobody else can write

_STEP = text("INSERT INTO passages_words (passages_words, rank) VALUES ('merge', :pages)")


def forget_words(engine: Engine) -> None:
    """After chats were deleted: begin to merge all of the index, and end it too, where it is small."""
    _merge(engine, -PAGES)


def go_on_forgetting(engine: Engine) -> None:
    """A chore: another step of such a merge, if one was begun."""
    _merge(engine, PAGES)


def _merge(engine: Engine, pages: int) -> None:
    if engine.dialect.name == "sqlite":  # VACUUM is enough for PostgreSQL, which does it by itself
        with writing(engine) as connection:
            connection.execute(_STEP, {"pages": pages})
