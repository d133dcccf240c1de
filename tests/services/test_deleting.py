"""Deleted is deleted: no row and no byte is left of a chat, and nothing leads back to who was forgotten."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, insert, select, text
from werkzeug.test import TestResponse

from app import create_app
from chatbot import db, tables
from chatbot.chats.beat import Beat
from chatbot.config import load_settings
from chatbot.db import DAY_MS, HOUR_MS, now_ms
from chatbot.history import erase
from chatbot.history.erase import BATCH, clear_away, drop_temporary, retire
from chatbot.model.events import Usage
from chatbot.money.charge import Attempt
from chatbot.money.hold import Payer
from chatbot.tables import chats, ledger, messages
from tests.conftest import ROOMY, wait_for
from tests.fake_openai import FakeOpenAI
from tests.unit.built_app import unattended
from tests.unit.test_takeout import chat_of, message

MARKER = "quokka"
EXPIRING = ("budgets", "limit_counters", "blocks")  # which may hold a visitor's number until their time is over
OWNERLESS = {"head": "m", "created_at": 1, "updated_at": 1, "title": MARKER}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture(autouse=True)
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """These workers beat when a test says so, and none when its database is gone."""
    monkeypatch.setattr(Beat, "start", lambda beat: None)


@pytest.fixture
def app(url: str, fake: FakeOpenAI) -> Iterator[Flask]:
    app = built(url, fake)
    yield app
    end(app)


def built(url: str, fake: FakeOpenAI, **more: object) -> Flask:
    given = {name.lower(): value for name, value in {**ROOMY, **fake.env, **more}.items()}
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    app = create_app(load_settings(_env_file=None, database_url=url, secret_key="of the tests", **given))
    logger.handlers, logger.propagate = before
    app.extensions["others"] = threading.enumerate()
    return unattended(app)


def end(app: Flask) -> None:
    """Once nothing goes on beside its requests: that would open connections which nobody closes."""
    ours = ("reply", "aside")
    wait_for(lambda: not [t for t in threading.enumerate() if t.name in ours and t not in app.extensions["others"]])
    engine_of(app).dispose()


def engine_of(app: Flask) -> Engine:
    engine: Engine = app.extensions["turnkey"].engine
    return engine


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert client.get("/api/me").status_code == 200
    return client


def say(client: FlaskClient, words: str, chat: str = "chat-0001", *, wait: bool = True, **members: Any) -> TestResponse:
    question = {"role": "user", "parts": [{"type": "text", "text": words}]}
    answer = client.post("/api/chat", json={"id": chat, "messages": [question], **members})
    assert answer.status_code == 200, answer.text
    if wait:
        assert "[DONE]" in answer.text
    return answer


def rows(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f'SELECT * FROM "{table}"'))]


def traces(engine: Engine, word: str) -> list[str]:
    """The tables in which some column of some row holds the word."""
    return [name for name in tables.metadata.tables if word in repr(rows(engine, name))]


def visitor_of(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(select(chats.c.visitor)).scalar())


FILL = f"The {MARKER} [fake: text a {MARKER} eats]"


@pytest.mark.parametrize("path", ["/api/chats/chat-0001", "/api/chats", "/api/me"])
def test_no_row_of_any_table_holds_what_was_deleted(app: Flask, client: FlaskClient, path: str) -> None:
    engine = engine_of(app)
    say(client, FILL)
    shown = client.get("/api/chats/chat-0001").get_json()
    say(client, f"And the other {MARKER}?", messageId=shown["messages"][0]["id"])
    client.patch("/api/chats/chat-0001", json={"title": f"My {MARKER}"})
    wait_for(lambda: "passages" in traces(engine, MARKER), what="the index")
    assert {"chats", "messages"} <= set(traces(engine, MARKER))
    assert client.delete(path).status_code == 204
    assert traces(engine, MARKER) == []
    assert [rows(engine, name) for name in ("chats", "messages", "passages")] == [[], [], []]
    assert client.get("/api/chats/chat-0001").status_code == 404
    assert client.delete("/api/chats/chat-0001").status_code == 404
    assert client.delete("/api/chats").status_code == 204


def test_who_was_forgotten_is_in_no_table_and_what_was_spent_still_is(app: Flask, client: FlaskClient) -> None:
    engine = engine_of(app)
    say(client, "Hello")
    say(client, "Hello again", "chat-0002")
    visitor = visitor_of(engine)
    with engine.connect() as connection:
        before = connection.execute(select(ledger).order_by(ledger.c.id)).all()
    assert len(before) == 2 and all(row.visitor == visitor and row.network and row.chat for row in before)
    response = client.delete("/api/me")
    assert response.status_code == 204
    assert "visitor=;" in response.headers["Set-Cookie"] and "Max-Age=0" in response.headers["Set-Cookie"]
    assert set(traces(engine, visitor)) <= set(EXPIRING)
    for row in before:
        assert not {name for id in (row.chat, row.message) for name in traces(engine, id)}
        assert [name for name in traces(engine, row.network) if name not in EXPIRING] == []
    with engine.connect() as connection:
        after = connection.execute(select(ledger).order_by(ledger.c.id)).all()
    unlinked = {"visitor": "", "network": None, "chat": "", "message": "", "request_id": None}
    assert [row._asdict() for row in after] == [{**row._asdict(), **unlinked} for row in before]
    assert client.get("/api/me").headers.get("Set-Cookie", "").startswith("visitor=")


@pytest.mark.parametrize("path", ["/api/chats/chat-0001", "/api/chats", "/api/me"])
def test_a_live_answer_is_stopped_booked_and_leaves_nothing(
    app: Flask, client: FlaskClient, fake: FakeOpenAI, path: str
) -> None:
    engine = engine_of(app)
    say(client, f"[fake: tokens 500; hold 5] {MARKER}", wait=False)
    visitor = visitor_of(engine)
    other = app.test_client()
    for method, foreign in (("DELETE", "/api/chats/chat-0001"), ("DELETE", "/api/chats"), ("DELETE", "/api/me")):
        other.open(foreign, method=method)
    assert other.get("/api/chat/chat-0001/stream").status_code == 404
    assert other.post("/api/chat/chat-0001/stop").status_code == 404
    time.sleep(0.3)
    assert fake.calls[-1].closed_at is None
    assert client.delete(path).status_code == 204
    wait_for(lambda: fake.calls[-1].closed_at is not None, what="the upstream to be closed")
    wait_for(lambda: rows(engine, "ledger"), what="the booking")
    assert rows(engine, "reservations") == []
    with engine.connect() as connection:
        booked = connection.execute(select(ledger)).one()
    assert booked.outcome == "stopped" and booked.cost_nano > 0
    assert traces(engine, MARKER) == []
    assert rows(engine, "chats") == rows(engine, "messages") == []
    if path == "/api/me":
        assert (booked.visitor, booked.network, booked.chat, booked.message) == ("", None, "", "")
        assert set(traces(engine, visitor)) <= set(EXPIRING)
    else:
        assert booked.visitor == visitor


def test_a_live_answer_is_stopped_by_another_worker_too(
    url: str, app: Flask, client: FlaskClient, fake: FakeOpenAI
) -> None:
    say(client, f"[fake: tokens 500; hold 5] {MARKER}", wait=False)
    visitor, cookie = visitor_of(engine_of(app)), client.get_cookie("visitor")
    assert cookie
    another = built(url, fake).test_client()
    another.set_cookie("visitor", cookie.value)
    assert another.delete("/api/me").status_code == 204
    assert fake.calls[-1].closed_at is None
    app.extensions["turnkey"].beat.beat()
    wait_for(lambda: fake.calls[-1].closed_at is not None, what="the upstream to be closed")
    wait_for(lambda: rows(engine_of(app), "ledger"), what="the booking")
    assert set(traces(engine_of(app), visitor)) <= set(EXPIRING)
    assert traces(engine_of(app), MARKER) == []
    end(another.application)


def test_what_is_booked_while_its_visitor_is_forgotten_leads_back_to_nobody(app: Flask, client: FlaskClient) -> None:
    house, engine = app.extensions["turnkey"], engine_of(app)
    payers = [Payer(f"{number:032x}", "n" * 32, "chat", f"message-{number}", "gpt-6-luna") for number in range(30)]
    for payer in payers:
        hold = house.ledger.reserve(payer, 100)
        start = threading.Barrier(2)

        def settle(hold: Any = hold, start: threading.Barrier = start) -> None:
            start.wait()
            house.ledger.settle(hold, Attempt("complete", usage=Usage(input=100, output=10)))

        thread = threading.Thread(target=settle)
        thread.start()
        start.wait()
        house.ledger.unlink(payer.visitor)
        thread.join()
    with engine.connect() as connection:
        booked = connection.execute(select(ledger.c.visitor, ledger.c.network, ledger.c.chat, ledger.c.message)).all()
    assert booked == [("", None, "", "")] * 30
    assert rows(engine, "reservations") == []
    assert all(balance.held == 0 for balance in house.ledger.balances(payers[0].visitor, "n" * 32))


def test_thousands_of_chats_are_deleted_and_others_write_meanwhile(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "PATIENCE_S", 120)  # a busy machine would leave some to the chore
    engine = engine_of(app)
    client.post("/api/chats/import", json=chat_of([message(0), message(1)], title=MARKER))
    visitor = visitor_of(engine)
    ids = [f"many-{number:05}" for number in range(5 * BATCH)]
    with db.writing(engine) as connection:
        connection.execute(insert(chats), [{**OWNERLESS, "id": id, "visitor": visitor} for id in ids])
        said = {"role": "user", "status": "complete", "text": MARKER * 100, "created_at": 1}
        connection.execute(insert(messages), [{**said, "chat": id, "id": f"m{n}"} for id in ids for n in range(4)])
        long = [{**said, "chat": ids[0], "id": f"n{n}"} for n in range(5 * BATCH)]
        connection.execute(insert(messages), long)
    waits, done = [], threading.Event()

    def write() -> None:
        while not done.is_set():
            began = time.monotonic()
            db.check(engine)
            waits.append(time.monotonic() - began)
            time.sleep(0.005)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert client.delete("/api/chats").status_code == 204
    finally:
        done.set()
        thread.join()
    assert traces(engine, MARKER) == []
    assert len(waits) > 10 and max(waits) < 2


def test_what_a_crash_leaves_of_a_deleted_chat_is_out_of_reach_and_cleared_away_later(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(app)
    client.post("/api/chats/import", json=chat_of([message(0, text=MARKER), message(1)]))

    def crash(*_told: Any) -> bool:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(erase, "_take_apart", crash)
        client.delete("/api/chats/chat-0001")
    assert "messages" in traces(engine, MARKER)
    assert client.get("/api/chats/chat-0001").status_code == 404
    assert client.get("/api/chats").get_json()["chats"] == []
    retire(engine, 0)
    assert traces(engine, MARKER) == []


def test_old_chats_are_retired_but_none_with_a_live_answer_and_none_that_is_being_imported(
    app: Flask, client: FlaskClient
) -> None:
    engine, now = engine_of(app), now_ms()
    said = {"id": "m", "role": "assistant", "status": "complete", "text": MARKER, "created_at": 1}
    made = {
        "old": now - 31 * DAY_MS,
        "young": now - 29 * DAY_MS,
        "live": now - 31 * DAY_MS,
    }
    with db.writing(engine) as connection:
        for id, updated_at in made.items():
            connection.execute(insert(chats), {**OWNERLESS, "id": id, "visitor": "v", "updated_at": updated_at})
            connection.execute(insert(messages), {**said, "chat": id})
        connection.execute(messages.update().where(messages.c.chat == "live").values(status="streaming"))
        arriving = {**OWNERLESS, "id": "arriving", "visitor": "", "updated_at": now - HOUR_MS // 2}
        connection.execute(insert(chats), arriving)
    left = select(chats.c.id).order_by(chats.c.id)
    retire(engine, 0)
    with engine.connect() as connection:
        assert connection.execute(left).scalars().all() == ["arriving", "live", "old", "young"]
    retire(engine, 30)
    with engine.connect() as connection:
        assert connection.execute(left).scalars().all() == ["arriving", "live", "young"]
        assert connection.execute(select(messages.c.chat).order_by(messages.c.chat)).scalars().all() == [
            "live",
            "young",
        ]
    with db.writing(engine) as connection:
        connection.execute(chats.update().where(chats.c.id == "arriving").values(updated_at=now - HOUR_MS - 1))
    clear_away(engine)
    with engine.connect() as connection:
        assert connection.execute(left).scalars().all() == ["live", "young"]


def test_temporary_chats_go_once_their_answer_has_ended(app: Flask, client: FlaskClient) -> None:
    engine = engine_of(app)
    said = {"id": "m", "role": "assistant", "text": MARKER, "created_at": 1}
    ids = [f"ended-{number:04}" for number in range(2 * BATCH)]
    with db.writing(engine) as connection:
        for id in [*ids, "live", "kept"]:
            row = {**OWNERLESS, "id": id, "visitor": "v", "temporary": int(id != "kept")}
            connection.execute(insert(chats), row)
            status = "streaming" if id == "live" else "stopped"
            connection.execute(insert(messages), {**said, "chat": id, "status": status})
        row = {**OWNERLESS, "id": "ended just now", "visitor": "v", "temporary": 1}
        connection.execute(insert(chats), row)
        fresh = {"chat": row["id"], "status": "complete", "heartbeat_at": now_ms()}
        connection.execute(insert(messages), {**said, **fresh})
    drop_temporary(engine)
    left = ["ended just now", "kept", "live"]
    with engine.connect() as connection:
        assert connection.execute(select(messages.c.chat).order_by(messages.c.chat)).scalars().all() == left


def test_retention_is_a_chore(url: str, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.chores.EXPIRE_S", 0.0)
    app = built(url, fake, CHAT_RETENTION_DAYS=1)
    engine = engine_of(app)
    with app.test_client() as client:
        client.get("/api/me")
        with db.writing(engine) as connection:
            connection.execute(insert(chats), {**OWNERLESS, "id": "old", "visitor": "v"})
        app.extensions["turnkey"].beat.beat()
        wait_for(lambda: not rows(engine, "chats"))  # beside the beat, which must not wait for it
    end(app)


def test_after_vacuum_no_byte_of_a_deleted_chat_is_in_the_sqlite_file(tmp_path: Path, fake: FakeOpenAI) -> None:
    app = built(f"sqlite:///{tmp_path}/chat.db", fake)
    engine, client = engine_of(app), app.test_client()
    client.get("/api/me")
    say(client, FILL)
    say(client, "Is there more? [fake: summary numbat]")
    say(client, "And more? [fake: text wombat " + "numbat " * 800 + "]")
    client.patch("/api/chats/chat-0001", json={"title": "My bandicoot"})
    wait_for(lambda: "bandicoot" in repr(rows(engine, "passages")), what="the index")
    words = [MARKER, "wombat", "numbat", "bandicoot"]
    checkpoint(engine)
    assert [word for word in words if word.encode() not in bytes_of(tmp_path)] == []
    assert client.delete("/api/chats").status_code == 204
    checkpoint(engine)
    assert [word for word in words if word.encode() in bytes_of(tmp_path)] == [], "before VACUUM"
    checkpoint(engine, "VACUUM")
    assert [word for word in words if word.encode() in bytes_of(tmp_path)] == []
    end(app)


def checkpoint(engine: Engine, *before: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        for statement in before:
            connection.exec_driver_sql(statement)
        assert list(connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")) == [(0, 0, 0)]
        connection.exec_driver_sql("BEGIN")


def bytes_of(folder: Path) -> bytes:
    """All files of the database, in small letters."""
    return b"".join(path.read_bytes() for path in folder.glob("chat.db*")).lower()


def test_no_table_and_no_log_has_an_address_in_the_clear(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = "203.0.113.77"
    told = client.post(
        "/api/chat",
        json={"id": "chat-0001", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]},
        environ_overrides={"REMOTE_ADDR": address},
    )
    assert "[DONE]" in told.text
    wait_for(lambda: rows(engine_of(app), "ledger"), what="the booking")
    assert traces(engine_of(app), address) == []
    networks = [row.network for row in read_all(engine_of(app), ledger)]
    assert networks and all(len(network) == 32 and address.replace(".", "") not in network for network in networks)
    assert address not in caplog.text and json.dumps("Hello") not in caplog.text


def read_all(engine: Engine, table: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table)))
