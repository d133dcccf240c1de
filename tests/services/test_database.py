"""The tables: made once, by migrations that agree with the code, and refused when they are another version's."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.errors import SettingsError

CHAT = {"id": "c" * 8, "visitor": "v", "title": "t", "head": None, "created_at": 1, "updated_at": 1}
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


def test_the_migrations_make_the_tables_that_the_code_knows(engine: Engine) -> None:
    migrate.prepare(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
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
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0003"]
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


def test_a_database_that_is_set_up_keeps_what_it_has(engine: Engine) -> None:
    migrate.prepare(engine)
    with db.writing(engine) as connection:
        connection.execute(insert(tables.chats), CHAT)
    migrate.prepare(engine)
    assert migrate.upgrade(engine) == ("0003", "0003")
    with engine.connect() as connection:
        assert connection.execute(select(tables.chats.c.id)).scalars().all() == [CHAT["id"]]


def test_an_upgrade_from_the_first_version_keeps_chats_and_messages(engine: Engine) -> None:
    with db.writing(engine) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(insert(tables.chats), CHAT)
        connection.execute(
            text(
                "INSERT INTO messages (chat, id, role, status, text, reasoning, left_out, stop_asked, created_at)"
                " VALUES (:id, 'question', 'user', 'complete', 'Hello', '', 0, 0, 1)"
            ),
            CHAT,
        )
    assert migrate.upgrade(engine) == ("0001", "0003")
    with engine.connect() as connection:
        (kept,) = connection.execute(select(tables.messages)).all()
    assert (kept.chat, kept.text, kept.key_fingerprint) == (CHAT["id"], "Hello", None)


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


def test_sqlite_writes_ahead_and_keeps_references_whole(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/chat.db")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()
