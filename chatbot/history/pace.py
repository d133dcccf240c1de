"""Much writing in short transactions, with gaps in which others get to write: SQLite has one writer at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from chatbot.db import NAP_S, is_writing, writing

STRETCH_S = 0.05  # of writing, after which the others get a turn


class Pace:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wrote_s = 0.0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction as of db.writing, which should take a few milliseconds; after it the gap, if one is due."""
        if is_writing(self._engine):  # whoever began that transaction keeps the pace
            with writing(self._engine) as connection:
                yield connection
            return
        with writing(self._engine) as connection:
            began = time.monotonic()
            yield connection
        self._wrote_s += time.monotonic() - began
        if self._wrote_s > STRETCH_S:
            self._wrote_s = 0.0
            time.sleep(2 * NAP_S)  # who waits for the lock looks once in NAP_S
