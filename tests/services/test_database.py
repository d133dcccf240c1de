"""The tables: made once, by migrations that agree with the code, and refused when they are another version's."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.errors import SettingsError
from chatbot.history.passages import index_rest
from chatbot.history.shelf import START, page

CHAT: dict[str, Any] = {"id": "c" * 8, "visitor": "v", "title": "t", "head": None, "created_at": 1, "updated_at": 1}
MESSAGE = {"id": "m", "role": "user", "status": "complete", "created_at": 1}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_engine(url)
    yield opened
    opened.dispose()


def open_engine(url: str) -> Engine:
    return db.open_engine(load_settings(_env_file=None, database_url=url, secret_key="of the tests"))


def is_known(dialect: str, _object: object, name: str | None, *_: object) -> bool:
    """SQLite has an index of words in tables of its own; PostgreSQL has it beside the others."""
    others = {"sqlite": ("passages_words", "passages_by_word"), "postgresql": "passages_by_id"}
    return not str(name).startswith(others[dialect])


def newest() -> str:
    return str(ScriptDirectory.from_config(migrate._config()).get_current_head())


def test_the_migrations_make_the_tables_that_the_code_knows(engine: Engine) -> None:
    migrate.prepare(engine)
    with engine.connect() as connection:
        opts = {"include_object": partial(is_known, engine.dialect.name)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, tables.metadata) == []
        found = inspect(connection)
        for name, table in tables.metadata.tables.items():
            made = [column["name"] for column in found.get_columns(name)]
            assert made == [column.name for column in table.columns]
            keys = found.get_pk_constraint(name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key]


def test_workers_that_start_together_set_it_up_once(url: str) -> None:
    engines = [open_engine(url) for _ in range(6)]
    failures: list[Exception] = []

    def start(engine: Engine) -> None:
        try:
            migrate.prepare(engine)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engines[0].connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest()]
    for engine in engines:
        engine.dispose()
    assert failures == []


def test_a_new_sqlite_file_that_another_worker_holds_is_waited_for(tmp_path: Path) -> None:
    """The first worker switches it to write-ahead logging, and for that moment locks the others out."""
    first = sqlite3.connect(tmp_path / "chat.db", isolation_level=None, check_same_thread=False)
    first.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, first.execute, ["ROLLBACK"])
    release.start()
    engine = open_engine(f"sqlite:///{tmp_path}/chat.db")
    migrate.prepare(engine)
    release.join()
    first.close()
    engine.dispose()


def test_a_worker_waits_as_long_as_another_sets_it_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a message would: a worker that gives up ends the start of all."""
    migrate.prepare(engine)
    monkeypatch.setattr(db, "BUSY_TIMEOUT_S", 0.1)
    with ThreadPoolExecutor(1) as pool:
        with migrate._in_turn(engine):
            waiting = pool.submit(migrate.prepare, engine)
            time.sleep(1)
            assert not waiting.done()
        waiting.result(60)


def test_a_database_that_is_set_up_keeps_what_it_has(engine: Engine) -> None:
    migrate.prepare(engine)
    with db.writing(engine) as connection:
        connection.execute(insert(tables.chats), CHAT)
    migrate.prepare(engine)
    assert migrate.upgrade(engine) == (newest(), newest())
    with engine.connect() as connection:
        assert connection.execute(select(tables.chats.c.id)).scalars().all() == [CHAT["id"]]


def test_an_upgrade_from_the_first_version_keeps_chats_and_messages(engine: Engine) -> None:
    with db.writing(engine) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = ", ".join(CHAT)
        connection.execute(text(f"INSERT INTO chats ({columns}) VALUES (:{columns.replace(', ', ', :')})"), CHAT)
        connection.execute(
            text(
                "INSERT INTO messages (chat, id, role, status, text, reasoning, left_out, stop_asked, created_at)"
                " VALUES (:id, 'question', 'user', 'complete', 'Hello', '', 0, 0, 1)"
            ),
            CHAT,
        )
    assert migrate.upgrade(engine) == ("0001", newest())
    with engine.connect() as connection:
        (kept,) = connection.execute(select(tables.messages)).all()
    assert (kept.chat, kept.text, kept.key_fingerprint) == (CHAT["id"], "Hello", None)
    index_rest(engine)
    assert [chat["id"] for chat in page(engine, CHAT["visitor"], "hello", START, 9)[0]] == [CHAT["id"]]


@pytest.mark.parametrize("version", ["0000", None])
def test_tables_of_another_version_are_refused_with_the_fix(engine: Engine, version: str | None) -> None:
    migrate.prepare(engine)
    with db.writing(engine) as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if version:
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
    with pytest.raises(SettingsError) as refused:
        migrate.prepare(engine)
    (line,) = refused.value.lines
    assert line.startswith("DATABASE_URL ") and "flask db upgrade" in line


def test_an_upgrade_of_a_version_nobody_knows_is_refused_in_words(engine: Engine) -> None:
    migrate.prepare(engine)
    with db.writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError) as refused:
        migrate.upgrade(engine)
    (line,) = refused.value.lines
    assert line.startswith("DATABASE_URL ") and "9999" in line


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    migrate.prepare(engine)
    with pytest.raises(IntegrityError), db.writing(engine) as connection:
        connection.execute(insert(tables.chats), CHAT)
        connection.execute(insert(tables.messages), {**MESSAGE, "chat": "nobody's"})
    with engine.connect() as connection:
        assert connection.execute(select(tables.chats)).all() == []


def test_a_transaction_inside_another_is_part_of_it(engine: Engine) -> None:
    migrate.prepare(engine)
    with pytest.raises(RuntimeError), db.writing(engine):
        with db.writing(engine) as inner:
            inner.execute(insert(tables.chats), CHAT)
        with db.reading(engine) as reader:
            assert len(reader.execute(select(tables.chats)).all()) == 1
        raise RuntimeError
    with db.reading(engine) as reader:
        assert reader.execute(select(tables.chats)).all() == []


def test_messages_go_with_their_chat(engine: Engine) -> None:
    migrate.prepare(engine)
    with db.writing(engine) as connection:
        connection.execute(insert(tables.chats), CHAT)
        connection.execute(insert(tables.messages), {**MESSAGE, "chat": CHAT["id"]})
        connection.execute(tables.chats.delete())
        assert connection.execute(select(tables.messages)).all() == []


def test_the_check_of_a_database_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_S", 0.1)
    url = f"sqlite:///{tmp_path}/chat.db"
    one, other = open_engine(url), open_engine(url)
    migrate.prepare(one)
    db.check(one)
    with db.writing(other), pytest.raises(OperationalError):
        db.check(one)
    db.check(one)
    for engine in (one, other):
        engine.dispose()


def test_sqlite_writes_ahead_keeps_references_whole_and_forgets_what_was_deleted(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/chat.db")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA secure_delete")).scalar() == 1
    engine.dispose()
