"""The key stays: a canary is used and abused, then all that left the server or was written is searched for it."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from app import create_app
from chatbot.config import load_settings
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI, make_key
from tests.visitor import Visitor, new_id

Serve = Callable[..., Served]

FAULTS = [
    "error invalid_api_key", "error missing_scope", "error insufficient_quota", "error model_not_found",
    "status 500; body html", "status 401; body garbage", "not-sse html", "hangup", "not-http", "cut 3", "bad-json 2",
    "garbage 2", "failed 2 server_error", "error-event 2 string", "redirect",
]  # fmt: skip


class Heard:
    """Everything that the server sent, byte by byte as read, with its headers."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def request(self, visitor: Visitor, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        response = visitor.open(method, path, body, headers)
        self.said.append(f"{response.status} {response.reason}\n{response.headers}".encode())
        try:
            self.said.append(response.read())
        except http.client.HTTPException as error:
            self.said.append(repr(error).encode())
        return response.status


def traces(key: str) -> Iterator[bytes]:
    """The key as it could show up: whole, in halves, in base64 at each alignment, percent-encoded, in hex, reversed."""
    raw = key.encode()
    half = len(raw) // 2
    yield from (raw, raw[:half], raw[half:], raw[::-1], raw.hex().encode(), quote(key, safe="").encode())
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        yield encoded[4 if shift else 0 : -4]
    yield base64.urlsafe_b64encode(raw)[:-4]


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file that the server has written: logs, the database with its journal, the secret."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


@pytest.mark.parametrize("shape,source", [("openai", "file"), ("short", "variable")])
def test_no_byte_of_the_key_leaves_the_server_or_is_written(
    serve: Serve, fake: FakeOpenAI, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, shape: str, source: str
) -> None:
    """A short key is not shaped like OpenAI's, so no pattern finds it, and the fake quotes it whole in its errors."""
    key = fake.new_key() if shape == "openai" else secrets.token_hex(6)
    fake.keys.add(key)
    variables = {**fake.env, "OPENAI_API_KEY": key, "OPENAI_LOG": "debug"}
    if source == "file":
        kept = tmp_path_factory.mktemp("kept") / "key"
        kept.write_text(key + "\r\n")
        variables |= {"OPENAI_API_KEY": "", "OPENAI_API_KEY_FILE": str(kept), "LOG_FORMAT": "json"}
    served = serve(**variables, OPENAI_API="chat_completions" if shape == "short" else "responses")
    heard, visitor = Heard(), served.visitor()

    assert heard.request(visitor, "POST", "/api/chat", _message(visitor, "Hello")) == 200
    for fault in FAULTS:
        fake.fault(fault, times=2)
        visitor.chat = new_id()
        heard.request(visitor, "POST", "/api/chat", _message(visitor, f"What about {fault.split()[0]}?"))
        heard.request(visitor, "GET", f"/api/chats/{visitor.chat}")
        fake.plans.reset()
    fake.revoke(key)
    heard.request(visitor, "POST", "/api/chat", _message(visitor, "Revoked?"))
    with fake.down():
        heard.request(visitor, "POST", "/api/chat", _message(visitor, "Down?"))
    heard.request(visitor, "POST", "/api/chat", b"{")
    heard.request(visitor, "POST", "/api/chat", b"{}", Origin="https://evil.example")
    for path in _paths(tmp_path_factory.mktemp("routes")):
        heard.request(visitor, "GET", path)
    assert served.stop() == 0

    assert any(call.key == key for call in fake.calls), "the canary was never used"
    assert b"Hello" in b"".join(data for name, data in everything(tmp_path) if ".db" in name), "nothing was written"
    found = [
        (where, trace)
        for where, data in [*everything(tmp_path), *(("an answer", said) for said in heard.said)]
        for trace in traces(key)
        if trace in data
    ]
    assert found == []


def _message(visitor: Visitor, text: str) -> bytes:
    return json.dumps(visitor.body(text)).encode()


def test_the_search_would_find_the_key_however_it_is_wrapped() -> None:
    key = make_key()
    header = f"Authorization: Bearer {key}"
    wrapped = [header.encode(), header[:-20].encode(), header[60:].encode(), header.encode().hex().encode()]
    wrapped += [base64.b64encode(b"x" * shift + header.encode()) for shift in range(3)]
    for text in wrapped:
        assert any(trace in text for trace in traces(key)), text


def _paths(folder: Path) -> list[str]:
    """Every page and script, and every route with made-up values."""
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    app = create_app(load_settings(_env_file=None, database_url=f"sqlite:///{folder}/chat.db"))
    logger.handlers, logger.propagate = before
    values = {"id": new_id(), "chat": new_id(), "slug": "get-a-key"}
    found = ["/nowhere", "/api/nowhere", "/c/%00", "/api/chats/%F0%9F%94%91"]
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and rule.endpoint != "static":
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<{name}>", values[name])
            found.append(path)
    root = Path(str(app.static_folder))
    return found + [f"/static/{file.relative_to(root)}" for file in root.rglob("*") if file.is_file()]
