"""Single attempts for tests, booked by the ledger's own statements at times of the test's choosing."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Engine

from chatbot.db import HOUR_MS, writing
from chatbot.money import statements

USUAL: dict[str, Any] = {
    "visitor": "v", "chat": "c", "message": "m", "model": "gpt-6-luna", "key_fingerprint": "aaaaaaaa",
    "request_id": None, "outcome": "complete", "basis": "usage", "input_tokens": 10, "cached_tokens": 2,
    "cache_write_tokens": 0, "output_tokens": 4, "reasoning_tokens": 0, "cost_nano": 1000, "held_nano": 5000,
    "first_ms": 100,
}  # fmt: skip


def book(engine: Engine, *rows: dict[str, Any]) -> None:
    """Each row is USUAL but for what it names; `started_at` it must name."""
    with writing(engine) as connection:
        for row in rows:
            values = {"id": secrets.token_hex(16), "ended_at": row["started_at"] + 500, **USUAL, **row}
            connection.execute(statements.BOOK, values)
            first = {"first_ms": values["first_ms"] or 0, "has_first": int(values["first_ms"] is not None)}
            hour = values["started_at"] // HOUR_MS * HOUR_MS
            connection.execute(statements.ADD_UP, {**values, "hour": hour, **first})
