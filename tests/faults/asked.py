"""Asks for many faults at once and keeps what came of each: the reply, the stored message, the upstream's calls."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import Served
from tests.fake_openai import Call, FakeOpenAI, Fault
from tests.fake_openai_parts.errors import BODIES, BY_CODE
from tests.fake_openai_parts.reply import last_user_text
from tests.visitor import Reply

# Words of the upstream, as far as they hold nothing to fill in; and its names for the operator.
UPSTREAM_WORDS = [
    *{error.message.split("{")[0] for error in BY_CODE.values() if len(error.message.split("{")[0]) > 12},
    *("org-Fake", "proj_Fake", "203.0.113.9", "Bad gateway", "</html>", "Sign in", "extra_forbidden"),
    *("something went wrong", "no error object here", "The gateway timed out", "doctype"),
]
QUOTA = ("quota", "credit", "spend", "usage_limit", "billing")  # in the codes of money that has run out
assert all(len(text) < 500 for text, _ in BODIES.values())


@dataclass
class Asked:
    """One message and everything that came of it."""

    text: str
    reply: Reply
    message: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def in_band(self) -> bool:
        return self.reply.status == 200

    @property
    def problem(self) -> dict[str, Any]:
        """The problem, whether it came as the answer or inside the stream."""
        return dict(self.reply.chunk("data-problem")["data"]) if self.in_band else self.reply.problem


def ask_all(served: Served, fake: FakeOpenAI, faults: Iterable[Fault], at_once: int = 24) -> dict[str, Asked]:
    """Ask for each fault, as a visitor and in a chat of its own."""

    def ask(fault: Fault) -> Asked:
        visitor = served.visitor()
        began = time.monotonic()
        reply = visitor.say(fault.message)
        return Asked(fault.message, reply, answer_of(served, visitor.chat), seconds=time.monotonic() - began)

    wanted = list(faults)
    last = [fault for fault in wanted if pauses(fault)]
    others = [fault for fault in wanted if fault not in last]
    with ThreadPoolExecutor(at_once) as pool:
        found = dict(zip(map(str, others), pool.map(ask, others), strict=True))
    for fault in last:  # each pauses the app
        found[str(fault)] = ask(fault)
        assert wait_for(lambda: rows(served, "SELECT * FROM switches WHERE name LIKE '%pause'"))
        run(served, "DELETE FROM switches")
    for asked in found.values():
        asked.calls = [call for call in fake.calls if last_user_text(call.api, call.body or {}) == asked.text]
    return found


def pauses(fault: Fault) -> bool:
    """Does the app stop all calls for a while when it meets this fault?"""
    return any(word in fault.directive for word in QUOTA)


def wait_for(condition: Callable[[], object], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(condition())


def answer_of(served: Served, chat: str) -> dict[str, Any]:
    """The newest answer of a chat as it is stored."""
    found = rows(served, "SELECT * FROM messages WHERE chat = ? AND role = 'assistant' ORDER BY created_at", chat)
    return found[-1] if found else {}


def rows(served: Served, query: str, *values: object) -> list[dict[str, Any]]:
    with sqlite3.connect(served.database.removeprefix("sqlite:///"), timeout=30) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(query, values)]
    connection.close()
    return found


def run(served: Served, statement: str, *values: object) -> None:
    with sqlite3.connect(served.database.removeprefix("sqlite:///"), timeout=30) as connection:
        connection.execute(statement, values)
    connection.close()


def shown(asked: Asked) -> str:
    """Everything the visitor could see, headers included."""
    return f"{asked.reply.headers}\n{json.dumps(asked.reply.chunks)}\n{json.dumps(asked.reply.problem)}"


def assert_nothing_leaks(text: str, fake: FakeOpenAI) -> None:
    """No word, name or key of the upstream in a text that visitors or logs hold."""
    assert fake.key not in text
    assert fake.key[-12:] not in text
    assert fake.key[:8] not in text, "as OpenAI quotes it"
    for words in UPSTREAM_WORDS:
        assert words not in text, words
