"""A visitor of the app without a browser: keeps a cookie, sends messages, reads streams as they come."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Event:
    """One SSE event; `data` is a chunk, `[DONE]`, or None for a comment."""

    data: Any = None
    id: str | None = None
    comment: str | None = None


@dataclass
class Reply:
    """An answered turn: every event, or the problem that came instead."""

    status: int
    headers: http.client.HTTPMessage
    events: list[Event] = field(default_factory=list)
    problem: dict[str, Any] = field(default_factory=dict)

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [event.data for event in self.events if isinstance(event.data, dict)]

    @property
    def types(self) -> list[str]:
        return [chunk["type"] for chunk in self.chunks]

    @property
    def text(self) -> str:
        return "".join(chunk["delta"] for chunk in self.chunks if chunk["type"] == "text-delta")

    @property
    def reasoning(self) -> str:
        return "".join(chunk["delta"] for chunk in self.chunks if chunk["type"] == "reasoning-delta")

    @property
    def message_id(self) -> str:
        return str(self.chunk("start")["messageId"])

    @property
    def is_done(self) -> bool:
        return bool(self.events) and self.events[-1].data == "[DONE]"

    def chunk(self, kind: str) -> dict[str, Any]:
        return next(chunk for chunk in self.chunks if chunk["type"] == kind)


class Visitor:
    """Talks to one server; `cookie` is what it was given."""

    def __init__(self, url: str, timeout_s: float = 120) -> None:
        self.url, self.timeout_s = url, timeout_s
        self.cookie: str | None = None
        self.chat = new_id()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        response = self.open(method, path, body, headers)
        return Answer(response.status, response.headers, response.read())

    def open(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """The response with its body still to be read."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=self.timeout_s)
        sent = {"Connection": "close", **(headers or {})}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        if given := response.headers.get("Set-Cookie"):
            self.cookie = given.split(";")[0]
        return response

    def post(self, body: dict[str, Any], **headers: str) -> http.client.HTTPResponse:
        return self.open("POST", "/api/chat", json.dumps(body).encode(), headers)

    def say(self, text: str, *, headers: dict[str, str] | None = None, **members: Any) -> Reply:
        """Send a message and read the answer to its end."""
        return read_reply(self.post(self.body(text, **members), **(headers or {})))

    def body(self, text: str, **members: Any) -> dict[str, Any]:
        message = {"id": new_id(), "role": "user", "parts": [{"type": "text", "text": text}]}
        return {"id": self.chat, "messages": [message], "trigger": "submit-message", **members}

    def listen(self, chat: str | None = None, **headers: str) -> Reply:
        return read_reply(self.open("GET", f"/api/chat/{chat or self.chat}/stream", headers=headers))

    def stop(self, chat: str | None = None) -> Answer:
        return self.request("POST", f"/api/chat/{chat or self.chat}/stop")

    def stored(self, chat: str | None = None) -> dict[str, Any]:
        """The chat as the server keeps it."""
        answer = self.get(f"/api/chats/{chat or self.chat}")
        assert answer.status == 200, answer.body
        return dict(answer.json())


def new_id() -> str:
    return secrets.token_urlsafe(12)


def read_reply(response: http.client.HTTPResponse) -> Reply:
    """Read an answer to its end, as a stream or as a problem."""
    reply = Reply(response.status, response.headers)
    if response.headers.get_content_type() == "text/event-stream":
        reply.events = list(read_events(response))
    else:
        body = response.read()
        reply.problem = json.loads(body) if body else {}
    return reply


def read_events(response: http.client.HTTPResponse) -> Iterator[Event]:
    """The events of a stream, one by one as they arrive."""
    event = Event()
    while line := response.readline():
        text = line.decode().rstrip("\r\n")
        if text.startswith("data: "):
            data = text.removeprefix("data: ")
            event.data = data if data == "[DONE]" else json.loads(data)
        elif text.startswith("id: "):
            event.id = text.removeprefix("id: ")
        elif text.startswith(":"):
            event.comment = text[1:].strip()
        elif not text and event != Event():
            yield event
            event = Event()
