"""How an attack talks to its target as an outsider: a small app of the lab, or this app, each in its own dialect."""

from __future__ import annotations

import http.client
import json
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

PATIENCE_S = 100
AT_ONCE = 40
T = TypeVar("T")


@dataclass
class Answer:
    """What came back: `text` is the body; `reply` what the model said, or None where it did not answer to the end."""

    status: int
    headers: http.client.HTTPMessage
    text: str
    reply: str | None = None


@dataclass
class Target:
    """A server. `is_this_app` says which dialect it speaks."""

    url: str
    is_this_app: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.is_this_app = self.visitor().get("/api/openapi.json").status == 200

    def visitor(self) -> Visitor:
        """Somebody whom the server has not seen before."""
        return Visitor(self)


class Visitor:
    """Keeps cookies, as a browser does."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        response = self._open(method, path, body, headers or {})
        text = response.read().decode("utf-8", "replace")
        return Answer(response.status, response.headers, text, self._reply(response.status, text))

    def ask(
        self,
        text: str,
        *,
        before: Sequence[tuple[str, str]] = (),
        chat: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> Answer:
        """Send a message; `before` are (role, text) that it says were said; `members` go into the body as they are."""
        return self.request("POST", self.chat_path, self._body(text, before, chat, members), headers)

    def taste(self, text: str, characters: int, *, stop: bool = False) -> bool:
        """Ask, read so much of the answer and then leave, or stop it where that can be done. Was there an answer?"""
        chat = new_id()
        response = self._open("POST", self.chat_path, self._body(text, (), chat, {}), {})
        got = response.read(characters)
        if stop and self.target.is_this_app:
            self.request("POST", f"/api/chat/{chat}/stop")
        response.close()
        return response.status == 200 and bool(got)

    @property
    def chat_path(self) -> str:
        return "/api/chat" if self.target.is_this_app else "/chat"

    def _body(
        self, text: str, before: Sequence[tuple[str, str]], chat: str | None, members: Mapping[str, Any]
    ) -> bytes:
        said = [*before, ("user", text)]
        if self.target.is_this_app:
            messages = [{"role": role, "parts": [{"type": "text", "text": words}]} for role, words in said]
            body = {"id": chat or new_id(), "messages": messages, "trigger": "submit-message"}
        else:
            body = {"message": text, "messages": [{"role": role, "content": words} for role, words in said]}
        return json.dumps(body | dict(members)).encode()

    def _open(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        parts = urlsplit(self.target.url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE_S)
        sent = {"Connection": "close", "Content-Type": "application/json", **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def _reply(self, status: int, text: str) -> str | None:
        if status != 200:
            return None
        if self.target.is_this_app:
            chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith('data: {"')]
            said = "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")
            return said if any(chunk["type"] == "finish" for chunk in chunks) else None
        try:
            answer = json.loads(text)
        except ValueError:
            return None
        return answer.get("reply") if isinstance(answer, dict) else None


def target() -> Target:
    """The server whose address is on the command line."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m {'.'.join(sys.argv[0].removesuffix('.py').split('/')[-3:])} http://127.0.0.1:PORT")
    return Target(sys.argv[1].rstrip("/"))


def at_once(times: int, act: Callable[[], T]) -> list[T]:
    """Do it so many times in parallel."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [each.result() for each in [threads.submit(act) for _ in range(times)]]


def long_question(tokens: int, delay_ms: int = 0) -> str:
    """A question with a long answer. What stands in brackets tells the fake OpenAI how long."""
    return f"Tell me a long story. [fake: tokens {tokens}; delay {delay_ms}]"


def new_id() -> str:
    return secrets.token_urlsafe(12)
