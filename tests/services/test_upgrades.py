"""Upgrades of a database with data in it, from every released version: nothing is lost, and the app serves on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect, text

from chatbot import db, migrate
from chatbot.chats.beat import mark_dead
from chatbot.config import load_settings
from chatbot.errors import SettingsError
from chatbot.signing import Signer
from tests.conftest import ROOT, Served, clean_environment
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import new_database
from tests.services.released_rows import CHAT, FOREIGN, HALF, HELD, LIVE, TEXT, VISITOR, fill
from tests.unit.built_app import OWN, build
from tests.visitor import new_id
from tests.warm import flask

KINDS = ("sqlite", "postgresql")

# What a schema is made of, one line for each thing in it.
_SCHEMA = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master"],
    "postgresql": [
        "SELECT table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable,"
        " column_default, generation_expression FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'",
    ],
}


def versions() -> list[str]:
    """All of them, from the first to the newest."""
    return [found.revision for found in ScriptDirectory.from_config(migrate._config()).walk_revisions()][::-1]


class Old:
    """A database of an old version with data in it, as an operator who upgrades has it."""

    def __init__(self, url: str, version: str) -> None:
        self.url, self.version = url, version
        self.engine = db.open_engine(load_settings(_env_file=None, database_url=url, secret_key=SECRET))
        with db.writing(self.engine) as connection:
            go_to(connection, version)
            fill(connection, version)

    def schema(self) -> list[str]:
        with self.engine.connect() as connection:
            found = [row for each in _SCHEMA[self.engine.dialect.name] for row in connection.execute(text(each))]
        return sorted(str(tuple(row)) for row in found)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table."""
        with self.engine.connect() as connection:
            names = set(inspect(connection).get_table_names()) - {"alembic_version"}
            read = {name: connection.execute(text(f"SELECT * FROM {name}")).mappings() for name in sorted(names)}
            return {name: [dict(row) for row in rows] for name, rows in read.items()}


def go_to(connection: Connection, version: str) -> None:
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)


@contextmanager
def opened(url: str, version: str) -> Iterator[Old]:
    old = Old(url, version)
    yield old
    old.engine.dispose()


@pytest.fixture(scope="module", params=KINDS)
def fresh_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Gives the address of an empty database, another one at each call."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('upgrade')}/chat.db"
    url = request.getfixturevalue("postgres_url")
    return lambda: new_database(url)


@pytest.fixture(scope="module")
def fresh_schema(fresh_url: Callable[[], str]) -> list[str]:
    engine = db.open_engine(load_settings(_env_file=None, database_url=fresh_url(), secret_key=SECRET))
    migrate.prepare(engine)
    found = Old.__new__(Old)
    found.engine = engine
    schema = found.schema()
    engine.dispose()
    return schema


@pytest.fixture(params=versions()[:-1])
def old(request: pytest.FixtureRequest, fresh_url: Callable[[], str]) -> Iterator[Old]:
    with opened(fresh_url(), request.param) as found:
        yield found


@pytest.fixture
def oldest(fresh_url: Callable[[], str]) -> Iterator[Old]:
    with opened(fresh_url(), versions()[0]) as found:
        yield found


def test_an_upgrade_keeps_every_row_and_makes_the_tables_of_a_new_database(old: Old, fresh_schema: list[str]) -> None:
    before = old.rows()
    assert all(before.values()), "a version with a table that has no row here: give it some in released_rows.py"
    assert migrate.upgrade(old.engine) == (old.version, versions()[-1])
    after = old.rows()
    for name, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in after[name]]
        assert Counter(map(str, kept)) == Counter(map(str, rows)), name
    assert old.schema() == fresh_schema
    with old.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_after_an_upgrade_the_app_serves_what_was_there(old: Old, fake: FakeOpenAI, tmp_path: Path) -> None:
    migrate.upgrade(old.engine)
    upstream = {name.lower(): value for name, value in fake.env.items()}
    app = build(tmp_path, **upstream, database_url=old.url, secret_key=SECRET)
    house, client = app.extensions["turnkey"], app.test_client()
    client.set_cookie("visitor", Signer(SECRET).sign(VISITOR))

    shown = client.get(f"/api/chats/{CHAT}").json["messages"]
    assert [message["id"] for message in shown] == ["q1-edited", "a2", "q3", "a3", "q4", "a4"]
    assert all(message["parts"][-1]["text"] == f"{TEXT}{message['id']}" for message in shown)
    assert shown[3]["metadata"]["problem"]["code"] == "broken"
    assert client.get(f"/api/chats/{FOREIGN}").status_code == 404

    if old.version >= "0003":
        assert house.ledger.recover() == 1, "what the dead worker held is charged"
        assert {balance.held for balance in house.ledger.balances(VISITOR)} == {0}
        assert house.ledger.balances(VISITOR)[0].spent == 123_456 + HELD
    mark_dead(house.engine)
    left = client.get(f"/api/chats/{LIVE}").json
    assert not left["live"] and left["messages"][-1]["metadata"]["status"] == "interrupted"
    assert left["messages"][-1]["parts"] == [{"type": "text", "text": HALF}]

    for chat in (CHAT, LIVE):
        message = {"id": new_id(), "role": "user", "parts": [{"type": "text", "text": "Go on"}]}
        answer = client.post("/api/chat", json={"id": chat, "messages": [message]}, headers=OWN)
        assert answer.status_code == 200 and b'"type":"finish"' in answer.data
    assert HALF in str(fake.calls[-1].body), "the model is told what had been said"
    assert client.get(f"/api/chats/{CHAT}").json["messages"][-2]["parts"][0]["text"] == "Go on"

    assert client.delete(f"/api/chats/{CHAT}", headers=OWN).status_code == 204
    assert client.get(f"/api/chats/{CHAT}").status_code == 404
    with old.engine.connect() as connection:
        found = connection.execute(text("SELECT chat, count(*) FROM messages GROUP BY chat ORDER BY chat")).all()
    assert [tuple(row) for row in found] == [(LIVE, 4), (FOREIGN, 300)]


def test_a_start_on_an_old_version_is_refused_until_the_upgrade_is_run(
    oldest: Old, serve: Callable[..., Served], fake: FakeOpenAI
) -> None:
    variables = {"DATABASE_URL": oldest.url, "SECRET_KEY": SECRET, **fake.env}
    before = oldest.schema()
    refused = serve(wait=False, **variables)
    assert refused.process.wait(60) not in (0, None)
    assert "DATABASE_URL holds tables of version 0001" in refused.log and "run `flask db upgrade`" in refused.log
    assert "Traceback" not in refused.log and oldest.schema() == before
    for says in (f"The tables went from 0001 to {versions()[-1]}.", f"at version {versions()[-1]}, as before."):
        done = flask("db", "upgrade", env=clean_environment(**variables))
        assert done.returncode == 0 and says in done.stdout, done.stdout + done.stderr
    visitor = serve(**variables).visitor()
    visitor.cookie, visitor.chat = f"visitor={Signer(SECRET).sign(VISITOR)}", CHAT
    assert visitor.stored()["messages"][-1]["parts"][-1]["text"] == f"{TEXT}a4"
    assert visitor.say("Go on").types[-1] == "finish"


class Broken(Exception):
    pass


def test_an_upgrade_that_fails_at_any_statement_leaves_the_old_version_whole(oldest: Old) -> None:
    schema, rows = oldest.schema(), oldest.rows()
    engine, left = oldest.engine, 0

    def fail(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Broken

    def breaks(at: int) -> bool:
        nonlocal left
        left = at
        event.listen(engine, "before_cursor_execute", fail)
        try:
            migrate.upgrade(engine)
        except Broken:
            return True
        finally:
            event.remove(engine, "before_cursor_execute", fail)
        return False

    at = 0
    while breaks(at):
        at += 1
        assert oldest.schema() == schema
    assert at > 30, "as many statements as the upgrades have"
    assert oldest.rows() != rows and migrate.upgrade(engine) == (versions()[-1], versions()[-1])


_KILLED = """
import os, signal, sys
from sqlalchemy import event
from chatbot import db, migrate
from chatbot.config import load_settings
engine = db.open_engine(load_settings(_env_file=None, database_url=sys.argv[1], secret_key=sys.argv[2]))
def kill(connection, cursor, statement, *rest):
    if statement.startswith("UPDATE alembic_version") and sys.argv[3] in statement:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(engine, "after_cursor_execute", kill)
migrate.upgrade(engine)
"""


def test_an_upgrade_that_is_killed_just_before_its_end_leaves_the_old_version_whole(oldest: Old) -> None:
    schema, rows = oldest.schema(), oldest.rows()
    asked = [sys.executable, "-c", _KILLED, oldest.url, SECRET, versions()[-1]]
    done = subprocess.run(asked, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (oldest.schema(), oldest.rows()) == (schema, rows)
    with pytest.raises(SettingsError, match="flask db upgrade"):
        migrate.prepare(oldest.engine)
    assert migrate.upgrade(oldest.engine) == ("0001", versions()[-1])
    assert oldest.schema() != schema
