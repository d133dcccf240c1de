"""Two visitors: what is one's does not exist for the other, by no route and under no id."""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.unit.built_app import build, read
from tests.unit.test_takeout import chat_of, message

MARKER = "quokka"
CHAT, QUESTION, ANSWER, OWN = "chat-0001", "message-0", "message-1", "chat-mine"
# The first is the bare page, which asks the API.
NO_CHATS = ("/c/<chat>", "/guide/<slug>", "/guide/<shelf>/<slug>", "/static/<path:filename>")
ANY = "100000/day"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("two")
    return build(folder, limit_visitor=ANY, limit_network=ANY, limit_new_visitors=ANY)


@pytest.fixture(scope="module")
def first(app: Flask) -> FlaskClient:
    client = app.test_client()
    made = [message(number, text=f"{MARKER} {number}", model=MARKER) for number in range(2)]
    told = client.post("/api/chats/import", json=chat_of(made, title=f"The {MARKER}")).get_json()
    assert told["chats"] == [CHAT]
    return client


@pytest.fixture(scope="module")
def second(app: Flask, first: FlaskClient) -> FlaskClient:
    client = app.test_client()
    made = [message(0, id="question-mine", text="mine"), message(1, id="answer-mine", parent="question-mine")]
    assert client.post("/api/chats/import", json=chat_of(made, id=OWN)).get_json()["imported"] == 1
    return client


@pytest.fixture(params=["another visitor", "nobody"])
def stranger(request: pytest.FixtureRequest, app: Flask) -> FlaskClient:
    return request.getfixturevalue("second") if request.param == "another visitor" else app.test_client()


def routes(app: Flask) -> list[tuple[str, str]]:
    """Each method of each route that names something in its path."""
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.arguments and rule.rule not in NO_CHATS
        for method in sorted(rule.methods or ())
        if method not in ("HEAD", "OPTIONS")
    ]


def bodies() -> list[dict[str, Any]]:
    return [{}, {"title": "mine now"}, *({"head": id} for id in (QUESTION, ANSWER)), {"title": "t", "head": ANSWER}]


def test_every_route_that_names_a_chat_finds_none_of_another_visitor(
    app: Flask, first: FlaskClient, stranger: FlaskClient
) -> None:
    before = everything(first)
    walked = routes(app)
    assert {"/api/chats/<id>", "/api/chats/<id>/export", "/api/chat/<id>/stream", "/api/chat/<id>/stop"} <= {
        rule for _, rule in walked
    }
    queries = ["", "format=json", "format=md", f"before={ANSWER}", "limit=1"]
    for (method, rule), body, query in itertools.product(walked, bodies(), queries):
        path = re.sub(r"<[^>]+>", CHAT, rule)
        answer = stranger.open(path, method=method, json=body, query_string=query, headers={"Last-Event-ID": "0"})
        assert answer.status_code in (400, 404), f"{method} {path}?{query} {body}: {answer.status}"
        assert MARKER not in answer.text + str(answer.headers)
    assert everything(first) == before


def everything(client: FlaskClient) -> tuple[Any, ...]:
    paths = (f"/api/chats/{CHAT}", f"/api/chats/{CHAT}/export?format=json", f"/api/chats/{CHAT}/export")
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * 3 and all(MARKER in each.text for each in answers)
    return tuple(answer.text for answer in answers)


@pytest.mark.parametrize("trigger", ["submit-message", "regenerate-message"])
@pytest.mark.parametrize("target", [None, QUESTION, ANSWER])
@pytest.mark.parametrize("is_temporary", [False, True])
def test_nobody_can_ask_in_anothers_chat(
    app: Flask, first: FlaskClient, stranger: FlaskClient, trigger: str, target: str | None, is_temporary: bool
) -> None:
    before = everything(first)
    texts = [{"id": id, "role": role, "parts": [{"type": "text", "text": "Hello"}]} for id, role in IDS]
    for said in (texts[:1], texts, []):
        body = {"id": CHAT, "messages": said, "trigger": trigger, "messageId": target, "temporary": is_temporary}
        answer = stranger.post("/api/chat", json=body)
        assert answer.status_code in (400, 404) and MARKER not in answer.text, answer.text
    assert everything(first) == before


IDS = [(QUESTION, "user"), (ANSWER, "assistant")]


@pytest.mark.parametrize("target", [QUESTION, ANSWER])
def test_in_ones_own_chat_a_message_of_anothers_does_not_exist(app: Flask, second: FlaskClient, target: str) -> None:
    stored = read(app, "SELECT * FROM messages ORDER BY chat, id")
    for trigger in ("submit-message", "regenerate-message"):
        said = [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]
        body = {"id": OWN, "messages": said, "trigger": trigger, "messageId": target}
        assert second.post("/api/chat", json=body).status_code == 404
    assert second.patch(f"/api/chats/{OWN}", json={"head": target}).status_code == 404
    answer = second.get(f"/api/chats/{OWN}", query_string={"before": target})
    assert answer.status_code == 404
    assert read(app, "SELECT * FROM messages ORDER BY chat, id") == stored


def test_lists_searches_and_exports_hold_nothing_of_anothers(
    app: Flask, first: FlaskClient, stranger: FlaskClient
) -> None:
    with zipfile.ZipFile(io.BytesIO(first.get("/api/chats/export").data)) as own:
        assert any(MARKER in own.read(name).decode() for name in own.namelist())
    with zipfile.ZipFile(io.BytesIO(stranger.get("/api/chats/export").data)) as others:
        assert not any(MARKER in name + others.read(name).decode() for name in others.namelist())
    for query in ("", f"q={MARKER}", "q=The", "limit=100", f"before={CHAT}"):
        answer = stranger.get(f"/api/chats?{query}")
        assert answer.status_code in (200, 400)
        assert MARKER not in answer.text and CHAT not in answer.text
    assert MARKER not in stranger.get("/api/me").text


def test_to_delete_all_deletes_ones_own(app: Flask, first: FlaskClient, stranger: FlaskClient) -> None:
    before = everything(first)
    mine = [message(0, id="message-8"), message(1, id="message-9", parent="message-8")]
    stranger.post("/api/chats/import", json=chat_of(mine, id="chat-other"))
    for path in ("/api/chats", "/api/me"):
        assert stranger.delete(path).status_code == 204
    assert everything(first) == before
    assert read(app, "SELECT id FROM chats") == [(CHAT,)]


def test_a_forged_cookie_is_nobodys(app: Flask, first: FlaskClient) -> None:
    [(visitor,)] = read(app, "SELECT visitor FROM chats WHERE id = :id", id=CHAT)
    for forged in (visitor, f'"{visitor}"', first.get_cookie("visitor").value[:-1], ""):  # type: ignore[union-attr]
        client = app.test_client()
        client.set_cookie("visitor", forged)
        assert client.get(f"/api/chats/{CHAT}").status_code == 404
        assert client.get(f"/api/chats/{CHAT}/export").status_code == 404
