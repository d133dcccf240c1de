"""The database: engine and transactions (SQLAlchemy Core). The tables stand in chatbot/tables."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from chatbot.config import Settings

BUSY_TIMEOUT_S = 5
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DEAD_AFTER_MS = 30_000  # a row that its worker has not touched for so long: the worker died
NAP_S = 0.02
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON")
LOG_BYTES = 64 * 1024 * 1024  # of SQLite's write-ahead log, that it keeps for later after a large transaction

# A row that means nothing, but has to reach the disk.
_PROOF = text(
    "INSERT INTO limit_counters (key, slot, current, previous, expires_at) VALUES ('ready', 0, 0, 0, 0)"
    " ON CONFLICT (key) DO UPDATE SET current = 1 - limit_counters.current"
)

_writing: ContextVar[Connection | None] = ContextVar("writing", default=None)


class _Undone(Exception):
    pass


class DatabaseReplaced(SQLAlchemyError):
    """Another file stands where SQLite's stood when this process began, or none: put it back, or start anew."""


def now_ms() -> int:
    return int(time.time() * 1000)


def open_engine(settings: Settings) -> Engine:
    """An engine for DATABASE_URL. SQLite runs in WAL mode; its writers queue for up to BUSY_TIMEOUT_S."""
    if settings.sqlite_path is None:
        # A machine that froze inside a transaction must not keep its locks.
        options = "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000"
        answers_in = {"connect_timeout": 5, "tcp_user_timeout": 5000, "options": options}
        pool = {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10, "pool_timeout": 5}
        return create_engine(settings.database_url, connect_args=answers_in, **pool)
    engine = create_engine(
        f"sqlite:///{settings.sqlite_path}",
        connect_args={"timeout": NAP_S, "check_same_thread": False},
        pool_size=10,
        max_overflow=50,
    )
    event.listen(engine, "connect", _set_pragmas)
    refuse_another = partial(_refuse_another, settings.sqlite_path, [])
    event.listen(engine, "do_connect", refuse_another)
    event.listen(engine, "checkout", refuse_another)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write: committed as a whole, or not at all. Inside another it is part of that one.

    SQLite takes the write lock at its start, so that it never has to give up half-way.
    """
    if outer := _outer(engine):
        yield outer
        return
    with engine.connect() as connection:
        connection.execution_options(sqlite_begin="IMMEDIATE")
        with connection.begin():
            token = _writing.set(connection)
            try:
                yield connection
            finally:
                _writing.reset(token)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """The writing transaction that this stands in, or else one that locks nothing."""
    if outer := _outer(engine):
        yield outer
    else:
        with engine.connect() as connection:
            yield connection


def is_writing(engine: Engine) -> bool:
    """Does this stand in a writing transaction, which may yet be undone?"""
    return _outer(engine) is not None


@contextmanager
def rehearsing(engine: Engine) -> Iterator[None]:
    """A transaction that is undone at its end, whatever was written in it."""
    with suppress(_Undone), writing(engine):
        yield
        raise _Undone


def check(engine: Engine) -> None:
    """Raise SQLAlchemy's error when the database cannot be written."""
    with writing(engine) as connection:
        connection.execute(_PROOF)


def _outer(engine: Engine) -> Connection | None:
    connection = _writing.get()
    return connection if connection is not None and connection.engine is engine else None


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to send
    for pragma in (*PRAGMAS, f"journal_size_limit={LOG_BYTES}"):
        _patiently(partial(connection.execute, f"PRAGMA {pragma}"))


def _refuse_another(path: Path, first: list[int], *_: object) -> None:
    """Raises DatabaseReplaced. The old file would take writes that nobody reads again; a new one is not even opened,
    because it would be mixed with the log that the old one left beside it."""
    try:
        now = path.stat().st_ino
    except OSError:
        now = None
    if first and now != first[0]:
        raise DatabaseReplaced
    if now is not None:
        first[:] = [now]


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    begin = f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}"
    _patiently(lambda: connection.exec_driver_sql(begin), options.get("patience_s"))


def _patiently(work: Callable[[], object], patience_s: float | None = None) -> None:
    """Wait for the lock here, not in SQLite: under gevent that would stop every stream of the worker."""
    deadline = time.monotonic() + (patience_s or BUSY_TIMEOUT_S)
    while True:
        try:
            work()
            return
        except (sqlite3.OperationalError, OperationalError):
            if time.monotonic() > deadline:
                raise
        time.sleep(NAP_S)
