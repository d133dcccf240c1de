"""Files that a visitor brings in are anybody's work: what is bad in them is told, and nothing of it is stored."""

from __future__ import annotations

import io
import itertools
import json
import struct
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from chatbot.db import writing
from chatbot.errors import Problem
from chatbot.history import archive, imports
from chatbot.history.archive import MOST_FILES, unpack
from chatbot.history.erase import forget_visitor
from chatbot.history.imports import bring_in
from chatbot.history.passages import index
from chatbot.history.portable import MOST_CHARS, MOST_CHATS, MOST_MESSAGES, MOST_OF_CHAT
from chatbot.web.takeout_api import MOST_IMPORT_BYTES, PER_NETWORK
from tests.fake_openai import make_key
from tests.unit.built_app import build, read
from tests.unit.test_takeout import chat_of, message

ROOMY = "100000/day"
PAIR = [message(0), message(1)]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("imports")
    return build(folder, limit_visitor=ROOMY, limit_network=ROOMY, limit_new_visitors=ROOMY)


@pytest.fixture
def client(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setattr("chatbot.web.takeout_api.PER_NETWORK", 100_000)
    monkeypatch.setattr("chatbot.web.takeout_api.PER_SITE", 100_000)
    yield app.test_client()
    with app.extensions["turnkey"].engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM chats")


def stored(app: Flask) -> list[tuple[Any, ...]]:
    return read(app, "SELECT (SELECT count(*) FROM chats), (SELECT count(*) FROM messages)")


def zip_of(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(body, "w", method) as packed:
        warnings.simplefilter("ignore")  # names that come twice
        for name, content in files:
            packed.writestr(name, content)
    return body.getvalue()


def encoded(**members: Any) -> bytes:
    return json.dumps(chat_of(PAIR, **members)).encode()


def with_pair(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None) -> bytes:
    return json.dumps(chat_of([{**PAIR[0], **(first or {})}, {**PAIR[1], **(second or {})}])).encode()


BAD = {
    "nothing": (b"", "is not valid JSON"),
    "no JSON": (b"# Title\n\nHello", "is not valid JSON"),
    "another JSON": (b"[]", "the body is missing"),
    "half": (encoded()[:-20], "is not valid JSON"),
    "no UTF-8": (encoded().replace(b"A title", b"A \xff"), "is not valid JSON"),
    "half a surrogate": (encoded().replace(b"A title", rb"A \ud800"), "is not valid JSON"),
    "deep": (b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "is not valid JSON"),
    "deep and open": (b'{"messages":' + b"[" * 1_000_000, "the messages[0] is"),
    "another format": (encoded(format="chatgpt"), "the format is"),
    "another version": (encoded(version=2), "the version is"),
    "a short id": (encoded(id="x"), "the id is"),
    "an id that is a path": (encoded(id="../../etc/passwd"), "the id is"),
    "an id with a line break": (encoded(id="chat-0001\n"), "the id is"),
    "no head": (encoded(head=None), "the head is"),
    "another head": (encoded(head="message-9"), "no message that head names"),
    "no messages": (encoded(messages=[]), "no message that head names"),
    "a number for a text": (with_pair({"text": 7}), "the messages[0].text is"),
    "a text is missing": (json.dumps(chat_of([{"id": "message-0"}])).encode(), "the messages[0].parent is"),
    "another role": (with_pair({"role": "system"}), "the messages[0].role is"),
    "another status": (with_pair(None, {"status": "queued"}), "the messages[1].status is"),
    "a huge number": (with_pair(None, {"input_tokens": 10**400}), "the messages[1].input_tokens is"),
    "a large number": (with_pair(None, {"output_tokens": 2**31}), "the messages[1].output_tokens is"),
    "a negative number": (with_pair(None, {"cached_tokens": -1}), "the messages[1].cached_tokens is"),
    "no number": (with_pair(None, {"cost": float("nan")}), "is not valid JSON"),
    "an endless cost": (with_pair(None, {"cost": 1e300}), "the messages[1].cost is"),
    "a time without a zone": (with_pair({"created_at": "2026-01-01T00:00:00"}), "the messages[0].created_at is"),
    "a time that is none": (with_pair({"created_at": "2026-13-01T00:00:00Z"}), "the messages[0].created_at is"),
    "a long text": (with_pair(None, {"text": "x" * (MOST_CHARS + 1)}), "the messages[1].text is"),
    "a long question": (with_pair({"text": "x" * 8001}), "a question has 8001 characters; 8000 are allowed"),
    "the same id twice": (with_pair(None, {"id": "message-0"}), "two messages have the same id"),
    "a parent that is not there": (with_pair({"parent": "message-7"}), "under one that is not there"),
    "an answer without a question": (with_pair(None, {"parent": None}), "an answer stands under no question"),
    "its own parent": (with_pair({"parent": "message-0"}), "in a circle"),
    "a circle": (with_pair({"parent": "message-1"}), "in a circle"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_the_fault_and_nothing_is_stored(app: Flask, client: FlaskClient, name: str) -> None:
    body, fault = BAD[name]
    alone = client.post("/api/chats/import", data=body)
    assert alone.status_code == 400
    assert fault in alone.get_json()["detail"] and alone.get_json()["detail"].startswith("The file")
    good = json.dumps(chat_of(PAIR, id="chat-good")).encode()
    packed = client.post("/api/chats/import", data=zip_of(("1 good.json", good), ("2 bad.json", body)))
    assert packed.status_code == 400
    assert packed.get_json()["detail"].startswith("The file 2 bad.json") and fault in packed.get_json()["detail"]
    assert stored(app) == [(0, 0)]


def sized(size: int) -> bytes:
    """A zip whose one file says that it is so large unpacked."""
    body = bytearray(zip_of(("one.json", encoded())))
    for at in (22, body.index(archive.ENTRY) + 24):
        struct.pack_into("<L", body, at, size)
    return bytes(body)


def locked() -> bytes:
    body = bytearray(zip_of(("one.json", encoded())))
    for at in (6, body.index(archive.ENTRY) + 8):
        body[at] |= 1
    return bytes(body)


def overlapping() -> bytes:
    """A directory in which ten entries are the same bytes of the file."""
    body = zip_of(("one.json", b'{"x":"' + b"0" * 20_000_000 + b'"}'))
    at, end = body.index(archive.ENTRY), body.index(b"PK\5\6")
    entry = body[at:end]
    tail = bytearray(body[end:])
    struct.pack_into("<HHLL", tail, 8, 10, 10, 10 * len(entry), at)
    return body[:at] + 10 * entry + bytes(tail)


ZIPS = {
    "a bomb": (lambda: zip_of(("one.json", b" " * 200_000_000)), 413, "are larger than 32 MB"),
    "many small bombs": (lambda: zip_of(*[("one.json", b" " * 20_000_000)] * 10), 400, "one.json is not valid JSON"),
    "entries that overlap": (overlapping, 400, "one.json"),
    "more files than chats": (lambda: zip_of(*[(str(n), b"") for n in range(MOST_FILES + 1)]), 413, "files"),
    "a size that is too small": (lambda: sized(10), 400, "damaged"),
    "a password": (locked, 400, "damaged or encrypted"),
    "another compression": (lambda: zip_of(("a.json", b"{}"), method=zipfile.ZIP_BZIP2), 400, "compressed in a way"),
    "half a zip": (lambda: zip_of(("one.json", encoded()))[:200], 400, "damaged"),
    "only its mark": (lambda: b"PK\3\4", 400, "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_that_is_an_attack_or_damaged_is_refused_soon(app: Flask, client: FlaskClient, name: str) -> None:
    make, status, fault = ZIPS[name]
    body, began = make(), time.process_time()
    answer = client.post("/api/chats/import", data=body)
    assert (answer.status_code, fault in answer.get_json()["detail"]) == (status, True), answer.text
    assert time.process_time() - began < 5
    assert stored(app) == [(0, 0)]


def test_a_size_that_a_zip_only_claims_is_not_believed(client: FlaskClient) -> None:
    assert client.post("/api/chats/import", data=sized(2**31)).get_json()["imported"] == 1


WHOLE = zip_of(("one.json", encoded()), ("two.json", encoded(id="chat-0002")), ("two.md", b"# Two"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0))
def test_however_a_zip_is_damaged_it_is_read_or_refused(flips: list[tuple[int, int]], cut: int) -> None:
    body = bytearray(WHOLE)
    for at, value in flips:
        body[at] = value
    for each in (bytes(body), b"PK" + bytes(body)[2 : cut % len(body)]):
        try:
            for _ in unpack(each):
                pass
        except Problem as problem:
            assert problem.status in (400, 413)


def test_the_names_in_a_zip_are_only_told(client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["../../../one.json", "/etc/passwd.json", "C:\\two.json", "same.json", "same.json", "\u202egnp.json"]
    files = [(name, encoded(id=f"chat-000{number}")) for number, name in enumerate(names)]
    assert client.post("/api/chats/import", data=zip_of(*files)).get_json()["imported"] == 6
    assert list(tmp_path.iterdir()) == []
    told = client.post("/api/chats/import", data=zip_of(("\u202e\n" + "x" * 500 + ".json", b""))).get_json()["detail"]
    assert len(told) < 200 and told.isprintable()


def test_there_are_bounds_to_chats_messages_and_bytes(client: FlaskClient) -> None:
    chats = [(f"{number}.json", encoded(id=f"chat-{number:05}")) for number in range(MOST_CHATS + 1)]
    assert client.post("/api/chats/import", data=zip_of(*chats)).status_code == 413
    full = json.dumps(chat_of([message(number) for number in range(MOST_OF_CHAT)])).encode()
    most = range(MOST_MESSAGES // MOST_OF_CHAT + 1)
    many = zip_of(*((f"{number}.json", full.replace(b"chat-0001", b"chat-%04d" % number)) for number in most))
    assert client.post("/api/chats/import", data=many).status_code == 413
    longer = json.dumps(chat_of([message(number) for number in range(MOST_OF_CHAT + 1)])).encode()
    assert client.post("/api/chats/import", data=longer).status_code == 400
    assert client.post("/api/chats/import", data=b" " * (MOST_IMPORT_BYTES + 1)).status_code == 413
    assert client.post("/api/chats/import", data=b" " * (MOST_IMPORT_BYTES - 1)).status_code == 400
    assert client.post("/api/chat", data=b" " * (MOST_IMPORT_BYTES - 1)).status_code == 413


def test_nothing_shaped_like_a_key_is_stored_and_nothing_else_is_changed(app: Flask, client: FlaskClient) -> None:
    key, wrapped, harmless = make_key(), make_key(), "a task-management-system, and risk-assessment-for-all"
    answer = f"one: {key}, two:\n{wrapped[:40]}\n{wrapped[40:]}, three: {key[:30]}\u200b{key[30:]}."
    made = [message(0, text=harmless), message(1, text=answer, reasoning=key, model=key[:128], finish_reason="stop")]
    body = zip_of(("one.json", json.dumps(chat_of(made, title=f"My {key}")).encode()))
    assert client.post("/api/chats/import", data=body).status_code == 200
    assert read(app, "SELECT title FROM chats") == [("My [key]",)]
    [(question, told, reasoning, model)] = read(
        app,
        "SELECT (SELECT text FROM messages WHERE role = 'user'), text, reasoning, model"
        " FROM messages WHERE role = 'assistant'",
    )
    assert question == harmless
    assert told == "one: [key], two:[key], three: [key]."
    assert (reasoning, model) == ("[key]", "[key]")
    assert client.post("/api/chats/import", data=encoded(id=make_key(length=20)[:64])).status_code == 400


def test_what_postgresql_cannot_keep_and_what_has_not_happened_is_put_right(app: Flask, client: FlaskClient) -> None:
    made = [message(0, text="a\0b"), message(1, status="streaming", created_at="9999-12-31T23:59:59Z")]
    made[0]["created_at"] = "0001-01-01T00:00:00Z"
    body = json.dumps(chat_of(made, title="c\0d", updated_at="2999-01-01T00:00:00+14:00"))
    assert client.post("/api/chats/import", data=body).status_code == 200
    now = time.time() * 1000
    [(title, updated_at)] = read(app, "SELECT title, updated_at FROM chats")
    assert title == "c\ufffdd" and now - 60_000 < updated_at <= now
    (first, second) = read(app, "SELECT text, status, created_at FROM messages ORDER BY id")
    assert first == ("a\ufffdb", "complete", 0)
    assert second[1] == "interrupted" and now - 60_000 < second[2] <= now


def test_an_id_that_is_anothers_gives_way_and_tells_nothing(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()
    client.post("/api/chats/import", data=encoded(title="the first one's"))
    told = other.post("/api/chats/import", data=encoded(title="the second one's")).get_json()
    assert (told["imported"], told["skipped"]) == (1, 0)
    [id] = told["chats"]
    assert id != "chat-0001"
    assert other.get(f"/api/chats/{id}").get_json()["title"] == "the second one's"
    assert other.get("/api/chats/chat-0001").status_code == 404
    assert client.get("/api/chats/chat-0001").get_json()["title"] == "the first one's"


def test_what_breaks_off_in_the_middle_is_nobodys_and_the_next_time_it_works(app: Flask, client: FlaskClient) -> None:
    engine: Engine = app.extensions["turnkey"].engine
    row = [message(number) for number in range(3 * imports.PART_MESSAGES)]
    body, seen = json.dumps(chat_of(row)).encode(), []

    def break_off(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO messages"):
            seen.append(statement)
            if len(seen) == 2:
                raise RuntimeError("a crash")

    event.listen(engine, "before_cursor_execute", break_off)
    try:
        with pytest.raises(RuntimeError):
            bring_in(engine, "1" * 32, body, 8000)
    finally:
        event.remove(engine, "before_cursor_execute", break_off)
    assert read(app, "SELECT visitor FROM chats") == [("",)]
    assert stored(app) == [(1, imports.PART_MESSAGES)]
    [id] = bring_in(engine, "1" * 32, body, 8000)["chats"]
    assert read(app, "SELECT count(*) FROM messages WHERE chat = :id", id=id) == [(len(row),)]


def test_a_large_chat_is_stored_in_short_transactions(app: Flask) -> None:
    engine: Engine = app.extensions["turnkey"].engine
    rows: list[int] = []

    def count(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.startswith("INSERT INTO messages"):
            rows.append(sum(len(row[5]) for row in values) if many else 0)

    event.listen(engine, "before_cursor_execute", count)
    commits: list[int] = []
    event.listen(engine, "commit", lambda _connection: commits.append(len(rows)))
    texts = [message(number, text="x" * (4000 if number % 2 == 0 else 90_000)) for number in range(40)]
    bring_in(engine, "1" * 32, json.dumps(chat_of(texts, id="chat-long")).encode(), 8000)
    event.remove(engine, "before_cursor_execute", count)
    assert len(rows) > 3
    assert all(now - before <= 1 for before, now in itertools.pairwise(commits))


def test_imports_count_as_messages_and_are_few(tmp_path: Path) -> None:
    app = build(tmp_path, limit_visitor="3/day", limit_new_visitors="50/day")
    client = app.test_client()
    first = client.post("/api/chats/import", data=encoded())
    assert first.status_code == 200 and "visitor=" in first.headers["Set-Cookie"]
    assert '"visitor-86400s";r=2' in first.headers["RateLimit"]
    answers = [client.post("/api/chats/import", data=b"bad").status_code for _ in range(3)]
    assert answers == [400, 400, 429]
    others = [app.test_client().post("/api/chats/import", data=b"bad") for _ in range(PER_NETWORK)]
    assert [answer.status_code for answer in others] == [400] * (PER_NETWORK - 3) + [429] * 3
    assert others[-1].get_json()["retry_after"] > 0 and "Set-Cookie" not in others[-1].headers


def test_an_imported_answer_does_not_go_on(client: FlaskClient) -> None:
    """The model would take for its own what a visitor may have written."""
    rows = [message(0), {**message(1), "id": "a" + "x" * 16, "status": "interrupted", "text": "Sure! Step one"}]
    brought = chat_of(rows) | {"head": rows[1]["id"]}
    assert client.post("/api/chats/import", data=json.dumps(brought).encode()).status_code == 200
    asked = {"id": brought["id"], "messages": [{"id": rows[1]["id"], "role": "assistant", "parts": []}]}
    answer = client.post("/api/chat", json=asked)
    assert (answer.status_code, answer.get_json()["field"]) == (400, "messages")


def test_a_long_chat_is_indexed_in_parts_and_found_from_end_to_end(app: Flask, client: FlaskClient) -> None:
    engine: Engine = app.extensions["turnkey"].engine
    texts = {number: f"word{number} " + "lorem ipsum " * 7000 for number in range(1, 20, 2)}
    times = [f"2026-01-02T03:{number:02}:00Z" for number in range(20)]
    rows = [message(at, text=texts.get(at, "And then?"), created_at=times[at]) for at in range(20)]
    brought = chat_of(rows, id="chat-long")
    assert client.post("/api/chats/import", data=json.dumps(brought).encode()).status_code == 200
    commits: list[int] = []
    event.listen(engine, "commit", lambda _connection: commits.append(1))
    for _ in range(2):
        index(engine, "chat-long")
        for number in texts:
            (found,) = client.get("/api/chats", query_string={"q": f"word{number}"}).get_json()["chats"]
            assert found["id"] == "chat-long"
        with writing(engine) as connection:  # as if an answer had grown
            connection.execute(text("UPDATE messages SET searchable = 0 WHERE id = :id"), {"id": rows[1]["id"]})
    assert len(commits) > 8


def test_what_is_brought_in_while_its_visitor_is_forgotten_is_handed_to_nobody(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = app.extensions["turnkey"]
    client.get("/api/me")
    client.post("/api/chats/import", data=encoded(id="chat-before"))
    with house.engine.connect() as connection:
        visitor = connection.execute(text("SELECT visitor FROM chats WHERE id = 'chat-before'")).scalar_one()
    files = zip_of(("1.json", encoded(id="chat-first")), ("2.json", encoded(id="chat-second")))
    store = imports._store

    def store_and_forget(pace: Any, who: str, chat: Any) -> str | None:
        found = store(pace, who, chat)
        if chat.id == "chat-first":
            forget_visitor(house.engine, house.turns.made, house.ledger, who)
        return found

    monkeypatch.setattr(imports, "_store", store_and_forget)
    told = bring_in(house.engine, visitor, files, 8000)
    assert (told["imported"], told["skipped"]) == (1, 1)
    with house.engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM chats WHERE visitor = :v"), {"v": visitor}).all() == []
