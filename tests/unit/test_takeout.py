"""Taking chats out and bringing them in again: nothing is lost, and what comes back is what went out."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert

from chatbot import db, migrate
from chatbot.config import load_settings
from chatbot.errors import Blocked, Busy
from chatbot.history.export import all_zipped, file_name
from chatbot.history.imports import bring_in
from chatbot.tables import chats, messages
from tests.unit.built_app import build, read
from tests.unit.test_openapi import faults

ME = "1" * 32
MANY = 20_000  # characters of a question


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    folder = tmp_path_factory.mktemp("takeout")
    opened = [db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{folder}/{name}")) for name in "ab"]
    for engine in opened:
        migrate.prepare(engine)
    yield opened[0], opened[1]
    for engine in opened:
        engine.dispose()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
TIME = st.integers(0, 1_790_000_000_000)
TOKENS = st.none() | st.integers(0, 2**31 - 1)
PROBLEM = st.sampled_from([None, *(json.dumps(kind().members()) for kind in (Blocked, Busy))])


@st.composite
def trees(draw: st.DrawFn, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A chat and its messages as they stand in the tables: answers under questions, versions side by side."""
    made: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 8))):
        questions = [row["id"] for row in made if row["role"] == "user"]
        answers = [row["id"] for row in made if row["role"] == "assistant"]
        is_answer = bool(questions) and draw(st.booleans())
        common = {"chat": f"chat-{number:04}", "id": f"message-{place}", "created_at": draw(TIME), "text": draw(TEXT)}
        if not is_answer:
            above = draw(st.sampled_from([None, *answers]))
            made.append({**EMPTY, **common, "parent": above, "role": "user", "status": "complete"})
            continue
        ended = {
            "parent": draw(st.sampled_from(questions)),
            "role": "assistant",
            "status": draw(st.sampled_from(["complete", "stopped", "interrupted", "failed"])),
            "reasoning": draw(TEXT),
            "model": draw(st.none() | TEXT),
            "finish_reason": draw(st.sampled_from([None, "stop", "length"])),
            "problem": draw(PROBLEM),
            "input_tokens": draw(TOKENS),
            "output_tokens": draw(TOKENS),
            "cost_nano": draw(st.none() | st.integers(0, 10**14)),
        }
        made.append({**EMPTY, **common, **ended})
    head = draw(st.sampled_from([row["id"] for row in made]))
    times = {"created_at": draw(TIME), "updated_at": draw(TIME)}
    return {"id": f"chat-{number:04}", "visitor": ME, "title": draw(TEXT), "head": head, **times}, made


EMPTY = {"reasoning": "", "model": None, "finish_reason": None, "problem": None, "input_tokens": None} | {
    "output_tokens": None,
    "cost_nano": None,
}


def zipped(engine: Engine, visitor: str = ME) -> dict[str, bytes]:
    return unzipped(b"".join(all_zipped(engine, visitor)))


def unzipped(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(names)) == len(names)
        return {name: archive.read(name) for name in names}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 9999), min_size=1, max_size=3, unique=True), st.data())
def test_what_is_taken_out_and_brought_in_elsewhere_is_taken_out_equal(
    engines: tuple[Engine, Engine], numbers: list[int], data: st.DataObject
) -> None:
    here, there = engines
    for engine in engines:
        with db.writing(engine) as connection:
            connection.execute(delete(chats))
    for number in numbers:
        chat, made = data.draw(trees(number))
        with db.writing(here) as connection:
            connection.execute(insert(chats), chat)
            connection.execute(insert(messages), made)
    out = b"".join(all_zipped(here, ME))
    assert bring_in(there, "2" * 32, out, MANY)["imported"] == len(numbers)
    assert zipped(there, "2" * 32) == unzipped(out)
    assert len(unzipped(out)) == 2 * len(numbers)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    client = build(tmp_path, limit_visitor="1000/day", limit_network="1000/day").test_client()
    client.get("/api/me")
    yield client


def say(client: FlaskClient, text: str, chat: str = "chat-0001", **members: Any) -> str:
    """Ask, and wait for the tutor's answer; the question's id."""
    question = {"role": "user", "parts": [{"type": "text", "text": text}]}
    answer = client.post("/api/chat", json={"id": chat, "messages": [question], **members})
    assert answer.status_code == 200, answer.text
    assert "[DONE]" in answer.text
    shown = client.get(f"/api/chats/{chat}").get_json()["messages"]
    return str(shown[-2]["id"])


def test_markdown_is_the_version_being_read_and_json_has_them_all(client: FlaskClient) -> None:
    made = [message(number) for number in range(4)]
    made[0]["text"], made[2]["text"] = "What is a _sparrow_?", "And # a finch?"
    other = [message(0, id="message-x", text="What is a *starling*?"), message(1, id="message-y", parent="message-x")]
    client.post("/api/chats/import", json=chat_of([*other, *made], title="What is a *starling*?"))
    markdown = client.get("/api/chats/chat-0001/export")
    assert markdown.mimetype == "text/markdown"
    lines = markdown.text.splitlines()
    assert lines[0] == "# What is a *starling*?"
    assert "What is a _sparrow_?" in lines and "And # a finch?" in lines
    assert "What is a *starling*?" not in lines[1:]
    assert [line.partition(",")[0] for line in lines if line.startswith("## ")] == ["## Question", "## Answer"] * 2
    assert all(" UTC" in line for line in lines if line.startswith("## "))
    exported = client.get("/api/chats/chat-0001/export?format=json").get_json()
    assert faults({"$ref": "#/components/schemas/ExportedChat"}, exported) == []
    by_id = {message["id"]: message for message in exported["messages"]}
    roots = [message["text"] for message in by_id.values() if message["parent"] is None]
    assert sorted(roots) == ["What is a *starling*?", "What is a _sparrow_?"]
    assert len(by_id) == 6 and by_id[exported["head"]]["role"] == "assistant"


def test_a_chat_of_more_messages_than_the_page_reads_is_exported_whole(client: FlaskClient, tmp_path: Path) -> None:
    made = [message(number) for number in range(2400)]
    assert client.post("/api/chats/import", json=chat_of(made)).get_json()["imported"] == 1
    assert client.get("/api/chats/chat-0001/export").text.count("\n## ") == 2400
    assert len(client.get("/api/chats/chat-0001/export?format=json").get_json()["messages"]) == 2400


def message(number: int, **members: Any) -> dict[str, Any]:
    """One of a row of messages, each under the one before."""
    role = "assistant" if number % 2 else "user"
    parent = f"message-{number - 1}" if number else None
    told = {"text": f"text {number}", "status": "complete", "created_at": f"2026-01-02T03:{number // 60 % 60:02}:00Z"}
    return {"id": f"message-{number}", "parent": parent, "role": role, **told, **members}


def chat_of(made: list[dict[str, Any]], **members: Any) -> dict[str, Any]:
    times = {"created_at": "2026-01-02T03:04:05.678Z", "updated_at": "2026-01-02T03:04:06Z"}
    fixed = {"format": "turnkey-chat", "version": 1, "id": "chat-0001", "title": "A title", "head": made[-1]["id"]}
    return {**fixed, **times, "messages": made, **members}


def test_an_answer_that_is_being_made_is_exported_as_it_is_then(client: FlaskClient) -> None:
    client.post("/api/chats/import", json=chat_of([message(0), message(1, text="so fa")]))
    engine = client.application.extensions["turnkey"].engine
    with db.writing(engine) as connection:
        values = {"status": "streaming", "heartbeat_at": db.now_ms()}
        connection.execute(messages.update().where(messages.c.id == "message-1").values(values))
    exported = client.get("/api/chats/chat-0001/export?format=json")
    assert exported.get_json()["messages"][1]["status"] == "streaming"
    assert ", streaming\n\nso fa\n" in client.get("/api/chats/chat-0001/export").text
    other = client.application.test_client()
    stored = other.post("/api/chats/import", data=exported.data).get_json()["chats"][0]
    assert other.get(f"/api/chats/{stored}").get_json()["messages"][1]["metadata"]["status"] == "interrupted"


def test_a_download_has_a_name_that_every_system_takes_and_is_not_kept(client: FlaskClient) -> None:
    title = 'Größe: a "quoted" \\ <b>/../path\u202e\n日本 ' + "x" * 100
    client.post("/api/chats/import", json=chat_of([message(0), message(1)], title=title))
    answer = client.get("/api/chats/chat-0001/export?format=json")
    told = answer.headers["Content-Disposition"]
    assert told.startswith("attachment; ") and told.isascii()
    assert not set("<>\\:?|/\r\n") & set(told)
    assert 'filename="2026-01-02 Groe a quoted b .. path  xxx' in told
    assert "filename*=UTF-8''2026-01-02%20Gr%C3%B6%C3%9Fe%20a%20quoted" in told
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("title", ["", " ", "日本語" * 40, "😀" * 80, "a/b\\c", "..", "\u202e\u0007", "x" * 1000])
def test_whatever_a_title_is_the_name_of_its_file_is_short_and_plain(title: str, tmp_path: Path) -> None:
    name = file_name(SimpleNamespace(title=title, created_at=1_767_323_045_678))  # type: ignore[arg-type]
    assert name.startswith("2026-01-02")
    assert len(f"{name} (5000).json".encode()) < 200
    (tmp_path / f"{name}.json").touch()
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.json"]


def test_chats_with_the_same_title_have_names_of_their_own_in_the_zip(client: FlaskClient) -> None:
    for number, title in enumerate(["Same", "same", "SAME", "Same (2)"]):
        client.post("/api/chats/import", json=chat_of([message(0), message(1)], id=f"chat-{number:04}", title=title))
    out = unzipped(client.get("/api/chats/export").data)
    assert len({name.casefold() for name in out}) == 8
    assert "2026-01-02 Same.json" in out and "2026-01-02 Same.md" in out
    assert {json.loads(text)["title"] for name, text in out.items() if name.endswith("json")} == {
        "Same", "same", "SAME", "Same (2)",
    }  # fmt: skip


def test_temporary_chats_are_in_no_zip(client: FlaskClient) -> None:
    client.post("/api/chats/import", json=chat_of([message(0), message(1)]))
    engine = client.application.extensions["turnkey"].engine
    assert len(unzipped(client.get("/api/chats/export").data)) == 2
    with db.writing(engine) as connection:
        connection.execute(chats.update().values(temporary=1))
    assert unzipped(client.get("/api/chats/export").data) == {}


@pytest.mark.parametrize("wanted", ["", "pdf", "MD", "json\0"])
def test_another_format_is_refused(client: FlaskClient, wanted: str) -> None:
    client.post("/api/chats/import", json=chat_of([message(0), message(1)]))
    answer = client.get("/api/chats/chat-0001/export", query_string={"format": wanted})
    assert (answer.status_code, answer.get_json()["field"]) == (400, "format")


def test_a_zip_of_all_is_made_with_little_memory_and_no_long_transaction(engines: tuple[Engine, Engine]) -> None:
    """40 MB of texts: what is held at any time is a part of it, and between two pieces nothing of the database."""
    engine, visitor = engines[0], "3" * 32
    noise = secrets.token_hex(12_500)
    with db.writing(engine) as connection:
        for number in range(40):
            row = {"visitor": visitor, "title": "t", "head": "m1", "created_at": 1, "updated_at": 1}
            connection.execute(insert(chats), {**row, "id": f"large-{number:04}"})
            large = {
                "chat": f"large-{number:04}",
                "parent": None,
                "role": "user",
                "status": "complete",
                "created_at": 1,
            }
            connection.execute(
                insert(messages), [{**large, "id": f"m{n}", "text": noise[n:] + noise[:n]} for n in range(40)]
            )
    tracemalloc.start()
    size = 0
    for piece in all_zipped(engine, visitor):
        size += len(piece)
        assert engine.pool.checkedout() == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 1_000_000
    assert peak < 12_000_000


def test_brought_in_again_what_is_there_is_skipped_and_what_was_deleted_comes_back(client: FlaskClient) -> None:
    for number in (1, 2):
        client.post("/api/chats/import", json=chat_of([message(0), message(1)], id=f"chat-000{number}"))
    before = client.get("/api/chats/chat-0002").get_json()
    out = client.get("/api/chats/export").data
    assert client.post("/api/chats/import", data=out).get_json() == {"imported": 0, "skipped": 2, "chats": []}
    assert client.delete("/api/chats/chat-0002").status_code == 204
    told = client.post("/api/chats/import", data=out).get_json()
    assert told == {"imported": 1, "skipped": 1, "chats": ["chat-0002"]}
    assert faults({"$ref": "#/components/schemas/Imported"}, told) == []
    assert client.get("/api/chats/chat-0002").get_json() == before
    say(client, "And a good evening", "chat-0002")


def test_what_a_zip_tool_packed_anew_is_taken_too(client: FlaskClient, tmp_path: Path) -> None:
    with TemporaryDirectory() as folder:
        inside = Path(folder, "my chats", "deeper")
        inside.mkdir(parents=True)
        (inside / "one.JSON").write_text(json.dumps(chat_of([message(0), message(1)])))
        (inside / "._one.json").write_bytes(b"what macOS puts beside it")
        (inside / "one.md").write_text("# one")
        body = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", folder)).read_bytes()
    assert client.post("/api/chats/import", data=body).get_json()["chats"] == ["chat-0001"]


def test_what_is_brought_in_costs_nothing_and_waits_for_the_index(client: FlaskClient) -> None:
    client.post("/api/chats/import", json=chat_of([message(0), message(1, cost=0.25, input_tokens=7)]))
    app = client.application
    assert read(app, "SELECT cost_nano, input_tokens FROM messages WHERE id = 'message-1'") == [(250_000_000, 7)]
    assert [read(app, f"SELECT count(*) FROM {name}") for name in ("ledger", "usage_hours", "budgets")] == [[(0,)]] * 3
