"""A message that holds something shaped like a key is neither sent on nor kept nor logged, however it comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import load_settings
from chatbot.signing import Signer
from chatbot.visitors import who
from chatbot.web.body import parse
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI, make_key
from tests.visitor import Visitor

KINDS = [("proj", 74), ("proj", 58), ("svcacct", 74), ("service", 58), ("admin", 74), ("", 20), ("my-team", 58)]


def everywhere(served: Served, fake: FakeOpenAI) -> str:
    """What was logged, what the upstream was sent, and every byte of the database."""
    database = Path(served.database.removeprefix("sqlite:///"))
    files = b"".join(path.read_bytes() for path in database.parent.glob(database.name + "*"))
    return served.log + str([call.raw for call in fake.requests]) + files.decode("latin-1")


@pytest.mark.parametrize("kind,length", KINDS)
@pytest.mark.parametrize("around", ["{}", "Is {}, my key, safe?", "a={}&b", '{{"key":"{}"}}', "line\\n{}\n", "x{}"])
def test_a_message_with_a_key_goes_nowhere(
    served: Served, fake: FakeOpenAI, visitor: Visitor, kind: str, length: int, around: str
) -> None:
    key = make_key(kind, length)
    left = visitor.get("/api/me").json()["allowance"]["messages"]["left"]
    reply = visitor.say(around.format(key))
    assert (reply.status, reply.problem["code"], reply.problem["field"]) == (422, "contains_key", "messages")
    assert key not in str(reply.problem) and "not kept" in reply.problem["detail"]
    assert fake.requests == []
    assert visitor.get(f"/api/chats/{visitor.chat}").status == 404
    assert key[10:40] not in everywhere(served, fake)
    assert visitor.get("/api/me").json()["allowance"]["messages"]["left"] == left, "it did not count"


def test_a_key_of_tomorrow_without_the_mark_of_todays_is_known_by_its_beginning(visitor: Visitor) -> None:
    assert visitor.say("sk-proj-" + make_key()[8:70].replace("T3Blbk", "")).status == 422


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\n", "\r\n", "\ufeff"])
@pytest.mark.parametrize("at", [12, 47, 84, 120])
def test_a_key_is_seen_through_what_mails_and_pages_put_into_it(visitor: Visitor, hidden: str, at: int) -> None:
    key = make_key()
    assert visitor.say(f"Is {key[:at]}{hidden}{key[at:]} real?").status == 422


@pytest.mark.parametrize(
    "text",
    [
        "How do I use sk-learn?", "task-oriented-programming-language-design-2024", "sk-proj-" + "x" * 60,
        "sk-your-key-here", "OPENAI_API_KEY=sk-...", "export KEY=sk-proj-<your key>", "risk-assessment-of-SK-Hynix",
        "What does T3Blbk" + "FJ mean in a key?",
    ],
)  # fmt: skip
def test_words_that_only_look_like_a_key_are_answered(visitor: Visitor, text: str) -> None:
    assert visitor.say(text).types[-1] == "finish"


@pytest.mark.parametrize("way", ["edit", "again", "message id", "target"])
def test_no_other_way_in_takes_a_key(
    served: Served, fake: FakeOpenAI, visitor: Visitor, way: str, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    first = visitor.body("Hello")
    visitor.post(first).read()
    before, key = len(fake.requests), make_key("")
    body = visitor.body(f"and {key}" if way in ("edit", "again") else "and more")
    if way == "edit":
        body["messages"][0]["id"] = body["messageId"] = first["messages"][0]["id"]
    elif way == "again":
        body["trigger"] = "regenerate-message"
    elif way == "message id":
        body["messages"][0]["id"] = key
    else:
        body["messageId"] = key
    response = visitor.post(body)
    response.read()
    assert response.status == 422
    assert len(fake.requests) == before
    assert rows("SELECT count(*) AS n FROM messages WHERE chat = ?", visitor.chat) == [{"n": 2}]
    assert key not in everywhere(served, fake)


def test_what_stands_in_a_clients_history_or_a_members_nobody_reads_is_ignored(
    fake: FakeOpenAI, visitor: Visitor
) -> None:
    """Only the last question counts: what else a client sends is neither used nor kept."""
    body = visitor.body("Hello", note=make_key())
    body["messages"].insert(0, {"role": "system", "parts": [{"type": "text", "text": make_key()}]})
    assert visitor.post(body).status == 200
    assert "T3Blbk" not in str(fake.requests[-1].raw)


def test_no_body_takes_long_to_be_searched_for_keys() -> None:
    question = {"id": "sk-a" * 1_048_500, "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    body = json.dumps({"id": "a" * 10, "messages": [question]}).encode()
    settings, signer = load_settings(_env_file=None), Signer("of the tests")
    sender = who.Visitor("v", "n", is_new=False)
    began = time.process_time()
    assert parse(body, sender, settings, signer).message is None
    assert time.process_time() - began < 5
