"""What a database of each released version holds: rows in every table, in the words of that version's own SQL."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import Connection, text

VISITOR, OTHER = "5f" * 16, "0c" * 16
CHAT, LIVE, FOREIGN = "chat-with-versions", "chat-left-live", "chat-of-another"
TEXT = "Naïve 日本語 🎉 'quoted' \"twice\" \\ %s :name\n```python\nprint(1)\n```\n"
HALF = "What the worker had stored before it was kil"
HELD = 2_000_000  # nano-dollars
HOUR_MS = 3_600_000

_CHAT = "INSERT INTO chats (id, visitor, title, head, created_at, updated_at)"
_MESSAGE = (
    "INSERT INTO messages (chat, id, parent, role, status, text, reasoning, model, finish_reason, problem, left_out,"
    " input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_nano, request_id, stop_asked, created_at,"
    " heartbeat_at)"
)
_RESERVATION = (
    "INSERT INTO reservations (id, visitor, network, chat, message, model, input_tokens, max_output_tokens, nano,"
    " scopes, worker, started_at, alive_at)"
)
_LEDGER = (
    "INSERT INTO ledger (id, visitor, network, chat, message, model, key_fingerprint, request_id, outcome, basis,"
    " input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, held_nano,"
    " started_at, first_ms, ended_at)"
)
_USAGE_HOUR = (
    "INSERT INTO usage_hours (hour, model, outcome, attempts, input_tokens, cached_tokens, output_tokens, cost_nano,"
    " first_ms_sum, first_ms_count)"
)


def fill(connection: Connection, version: str) -> None:
    """Put into tables of this version what it and those before it had; a later one adds nothing by itself."""
    for since, put in (("0001", _chats), ("0002", _keys), ("0003", _money), ("0004", _conversations)):
        if since <= version:
            put(connection, int(time.time() * 1000))


def _chats(connection: Connection, now: int) -> None:
    """A tree of versions, an answer of each end, a long chat, a reply whose worker died, somebody else's chat."""
    _put(connection, _CHAT, CHAT, VISITOR, "Naïve 🎉", "a4", now - 9 * HOUR_MS, now - 8 * HOUR_MS)
    _put(connection, _CHAT, LIVE, VISITOR, "Left live", "a-live", now - HOUR_MS, now - HOUR_MS)
    _put(connection, _CHAT, FOREIGN, OTHER, "Not yours", "a-long-299", now - HOUR_MS, now - HOUR_MS)
    problem = json.dumps({"type": "about:blank", "status": 503, "code": "broken", "detail": "It broke off."})
    for number, (id, parent, status, more) in enumerate([
        ("q1", None, "complete", {}), ("a1", "q1", "complete", {"reasoning": "First I think 🤔."}),
        ("a1b", "q1", "stopped", {}), ("q1-edited", None, "complete", {}), ("a2", "q1-edited", "complete", {}),
        ("q3", "a2", "complete", {}), ("a3", "q3", "failed", {"problem": problem, "left_out": 2}),
        ("q4", "a3", "complete", {}), ("a4", "q4", "interrupted", {}),
    ]):  # fmt: skip
        _message(connection, CHAT, id, parent, status, now - 9 * HOUR_MS + number, text=f"{TEXT}{id}", **more)
    _message(connection, LIVE, "q-live", None, "complete", now - HOUR_MS, text="Hello")
    _message(connection, LIVE, "a-live", "q-live", "streaming", now - HOUR_MS, text=HALF, stop_asked=1)
    above = None
    for number in range(300):
        id = f"{'qa'[number % 2]}-long-{number}"
        _message(connection, FOREIGN, id, above, "complete", now - HOUR_MS + number, text=f"No. {number}")
        above = id
    _put(connection, "INSERT INTO limit_counters (key, slot, current, previous, expires_at)",
         "LIMITS:LIMITER/visitor/" + VISITOR, now // 60_000, 3, 7, now // 1000 + 86_400)  # fmt: skip


def _keys(connection: Connection, now: int) -> None:
    put = "INSERT INTO keys (fingerprint, source, first_seen_at, refused_at)"
    _put(connection, put, "aaaaaaaa", "OPENAI_API_KEY", now - 9 * HOUR_MS, None)
    _put(connection, put, "bbbbbbbb", "OPENAI_API_KEY_STANDBY_FILE", now - 9 * HOUR_MS, now - HOUR_MS)
    connection.execute(text("UPDATE messages SET key_fingerprint = 'aaaaaaaa' WHERE id IN ('a1', 'a2')"))


def _money(connection: Connection, now: int) -> None:
    """The live reply is held in two budgets, and an attempt stands in the ledger and its sums."""
    day = time.strftime("%Y-%m-%d", time.gmtime(now / 1000))
    scopes = [f"site/day/{day}", f"visitor/{VISITOR}/day/{day}"]
    hold = ["ab" * 16, VISITOR, "net", LIVE, "a-live", "gpt-6-luna", 900, 512, HELD, json.dumps(scopes)]
    _put(connection, _RESERVATION, *hold, "worker", now - HOUR_MS, now - HOUR_MS)
    for scope in scopes:
        put = "INSERT INTO budgets (scope, spent, held, expires_at)"
        _put(connection, put, scope, 123_456, HELD, now + 400 * 24 * HOUR_MS)
    attempt = ["cd" * 16, VISITOR, None, CHAT, "a1", "gpt-6-luna", "aaaaaaaa", "req_1", "complete", "usage"]
    _put(connection, _LEDGER, *attempt, 40, 4, 1, 20, 5, 123_456, HELD, now - 9 * HOUR_MS, 250, now - 8 * HOUR_MS)
    hour = (now - 9 * HOUR_MS) // HOUR_MS * HOUR_MS
    _put(connection, _USAGE_HOUR, hour, "gpt-6-luna", "complete", 1, 40, 4, 20, 123_456, 250, 1)
    put = "INSERT INTO switches (name, value, set_by, set_at)"
    _put(connection, put, "cap site/month", "77000000000", "desk", now)
    put = "INSERT INTO blocks (subject, why, until, set_at)"
    _put(connection, put, "visitor/" + OTHER, "too many", now + HOUR_MS, now)
    _put(connection, "INSERT INTO audit (at, who, deed)", now, "desk", "set the cap of the month")
    _put(connection, "INSERT INTO sessions (id, expires_at)", "ef" * 32, now + HOUR_MS)
    put = "INSERT INTO alerts (kind, subject, period, words, raised_at, sent_to, tries, due_at)"
    _put(connection, put, "budget", "site/day", day, "50 % spent", now, "[]", 1, None)
    _put(connection, "INSERT INTO tallies (name, hour, count)", "rate_limited", hour, 12)


def _conversations(connection: Connection, now: int) -> None:
    connection.execute(text("UPDATE messages SET shortened_to = 64 WHERE id = 'a3'"))


def _message(connection: Connection, chat: str, id: str, parent: str | None, status: str, at: int, **more: Any) -> None:
    values = {"text": "", "reasoning": "", "problem": None, "left_out": 0, "stop_asked": 0, **more}
    is_answer = id.startswith("a")
    told = ["gpt-6-luna", "stop", values["problem"], values["left_out"], 40, 4, 20, 5, 123_456, f"req_{id}"]
    unknown = ["gpt-6-luna", None, None, 0, *[None] * 6]
    start = [chat, id, parent, "assistant" if is_answer else "user", status, values["text"], values["reasoning"]]
    _put(connection, _MESSAGE, *start, *(told if is_answer else unknown), values["stop_asked"], at, at + 5)


def _put(connection: Connection, into: str, *values: Any) -> None:
    names = [f"v{number}" for number in range(len(values))]
    marks = ", ".join(f":{name}" for name in names)
    connection.execute(text(f"{into} VALUES ({marks})"), dict(zip(names, values, strict=True)))
