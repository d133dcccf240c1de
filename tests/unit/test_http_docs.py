"""What docs/reference/http.md tells of routes, problems, requests and the stream is what the server does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.test import TestResponse

from chatbot.config import ROOT
from chatbot.db import now_ms
from chatbot.errors import Problem
from chatbot.money import switches
from chatbot.money.switches import Pause
from chatbot.web.body import ChatBody
from tests.conftest import Served, needed
from tests.fake_openai import FakeOpenAI, make_key
from tests.unit.built_app import build
from tests.unit.written import rows, words
from tests.visitor import Visitor, new_id

PAGE = ROOT / "docs/reference/http.md"
DELTA = re.compile(r'id: \d+\ndata: (\{"type":"text-delta".*\})\n\n')
DESCRIBED = json.loads((ROOT / "chatbot/web/openapi.json").read_text())


def test_the_routes_of_the_page_are_those_of_the_description_with_their_successes() -> None:
    told = {
        (words(path)[0].replace("<", "{").replace(">", "}"), method.lower()): {int(each) for each in success.split(",")}
        for path, method, success, _ in rows(PAGE, "Routes of the API")
    }
    assert told == {
        (path, name): {int(status) for status in call["responses"] if status.isdigit()}
        for path, item in DESCRIBED["paths"].items()
        for name, call in item.items()
        if name != "parameters"
    }


def test_every_other_route_is_told_with_its_methods(tmp_path: Path) -> None:
    app = build(tmp_path)
    served: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "<>", rule.rule)
        if not path.startswith(("/api/", "/admin/")):
            served.setdefault(path, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    told = {
        re.sub("<[^>]+>", "<>", path): set(re.split(", ", methods))
        for paths, methods, _ in rows(PAGE, "Other routes")
        for path in words(paths)
    }
    assert {path: told.get(path) for path in served} == served


def test_every_problem_is_told_with_its_status() -> None:
    def problems(kind: type[Problem]) -> set[tuple[str, int]]:
        return {(kind.code, kind.status)}.union(*(problems(sub) for sub in kind.__subclasses__()))

    told = {(words(code)[0], int(status)) for code, status, _, _ in rows(PAGE, "Problems")}
    assert told == problems(Problem) | {("method_not_allowed", MethodNotAllowed.code)}


def test_the_members_of_a_request_are_those_that_are_read() -> None:
    told = [words(name)[0] for name, _ in rows(PAGE, "The request of a turn")]
    assert sorted(told) == sorted(ChatBody.__struct_fields__)


def test_the_chunks_of_the_stream_are_those_that_are_sent() -> None:
    source = (ROOT / "chatbot/web/wire.py").read_text()
    sent = set(re.findall(r'type="([\w-]+)"', source))
    sent |= {f"{kind}-{end}" for kind in ("text", "reasoning") for end in re.findall(r'type=f"{\w+}-(\w+)"', source)}
    assert {name for names, _ in rows(PAGE, "The stream") for name in words(names)} == sent


# How each code comes about: settings of the app, what is asked, and with which headers.
PROVOKED: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "bad_request": ({}, "", {}),
    "access_required": ({"access_code": "some words"}, "Hello", {}),
    "cross_site": ({}, "Hello", {"Sec-Fetch-Site": "cross-site"}),
    "too_long": ({}, "x" * 10_000, {}),
    "contains_key": ({}, make_key(), {}),
    "blocked": ({"moderation": "block"}, "[fake: flagged]", {}),
    "rate_limited": ({"limit_visitor": "0/day"}, "Hello", {}),
    "budget_spent": ({"budget_site_day": "0.000001"}, "Hello", {}),
    "unavailable": ({}, "[fake: error invalid_api_key]", {}),
    "busy": ({}, "[fake: status 500]", {}),
    "broken": ({}, "[fake: not-sse html]", {}),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


def test_a_problem_is_as_the_page_tells_it_when_it_happens(upstream: FakeOpenAI, tmp_path: Path) -> None:
    told = {
        words(code)[0]: (int(status), again == "after `retry_after`")
        for code, status, _, again in rows(PAGE, "Problems")
    }
    found = {code: met(upstream, tmp_path / code, *how) for code, how in PROVOKED.items()}
    found |= others(upstream, tmp_path / "others")
    del told["internal"]  # a defect, which nobody can ask for
    assert {code: (problem["status"], "retry_after" in problem) for code, problem in found.items()} == told
    assert {code: problem["code"] for code, problem in found.items()} == {code: code for code in told}


def met(upstream: FakeOpenAI, folder: Path, values: dict[str, Any], text: str, headers: dict[str, str]) -> Any:
    """The problem that a question meets."""
    folder.mkdir()
    settings = {name.lower(): value for name, value in upstream.env.items()} | values
    return ask(build(folder, **settings).test_client(), text, new_id(), headers).get_json()


def others(upstream: FakeOpenAI, folder: Path) -> dict[str, Any]:
    """What no question alone meets."""
    folder.mkdir()
    app = build(folder, **{name.lower(): value for name, value in upstream.env.items()})
    client, chat = app.test_client(), new_id()
    found = {"not_found": client.get(f"/api/chats/{chat}"), "method_not_allowed": client.put("/api/me")}
    running = ask(client, "[fake: tokens 2000; delay 20]", chat, {})
    found["reply_running"] = ask(client, "Hello", chat, {})
    client.post(f"/api/chat/{chat}/stop")
    assert running.data
    switches.pause(app.extensions["turnkey"].engine, Pause("a test", "test", now_ms()))
    found["paused"] = ask(client, "Hello", chat, {})
    return {code: response.get_json() for code, response in found.items()}


def ask(client: FlaskClient, text: str, chat: str, headers: dict[str, str]) -> TestResponse:
    return client.post("/api/chat", json=Visitor("").body(text, id=chat), headers=headers)


def test_the_example_says_what_the_server_says(serve: Callable[..., Served], fake: FakeOpenAI, tmp_path: Path) -> None:
    needed(shutil.which("curl"), "curl")
    served = serve(**fake.env)
    (example,) = re.findall(r"(?s)```console\n(.+?)```", PAGE.read_text())
    steps = re.split(r"(?m)^\$ ", example)[1:]
    assert len(steps) > 3
    fake.default_text = "Hello! What would you like to know?"
    environment = {"PATH": os.environ["PATH"], "URL": served.url}
    for step in steps:
        command, told = re.fullmatch(r"(?s)([^\n]+(?:\n  [^\n]+)*\n)(.*)", step).groups()  # type: ignore[union-attr]
        ran = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, check=True)
        assert shape(in_one_delta(ran.stdout.decode())) == shape(told), command


def in_one_delta(told: str) -> str:
    """A stream whose text comes in one piece; it comes in as many as time will have it."""
    pieces = [json.loads(data)["delta"] for data in DELTA.findall(told)]
    for _ in pieces[1:]:
        told = DELTA.sub("", told, count=1)
    return DELTA.sub(lambda last: last[0].replace(f':"{pieces[-1]}"', f':"{"".join(pieces)}"'), told)


def shape(told: str) -> list[Any]:
    """Each line, with ids, times and numbers taken for alike; of a list of several limits, the first stands for all."""

    def simple(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: simple(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [simple(each) for each in (value[:1] if name == "limits" else value)]
        is_given = name in ("id", "messageId", "questionId", "resets_at") and value != "text-1"
        return name if is_given or (isinstance(value, int | float) and not isinstance(value, bool)) else value

    found = []
    for line in told.rstrip().splitlines():
        start, brace, rest = line.partition("{")
        found.append((start, simple(json.loads(brace + rest))) if brace else line)
    return found
