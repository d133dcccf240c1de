"""The ledger's SQL, the same for SQLite and PostgreSQL, built once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from chatbot.money.charge import Attempt, Charge
from chatbot.money.hold import TITLE
from chatbot.tables import ledger, reservations

HOLD = insert(reservations)
BOOK = insert(ledger)
BOOKED = ("id", "visitor", "network", "chat", "message", "model", "started_at")  # as they stood in the reservation
RELEASE = text("DELETE FROM reservations WHERE id = :id RETURNING *")
TAKE = text("DELETE FROM reservations WHERE id = :id AND alive_at < :dead RETURNING *")
DEAD = text("SELECT id FROM reservations WHERE alive_at < :dead ORDER BY alive_at LIMIT 1000")
KEEP = (
    update(reservations)
    .where(
        reservations.c.worker == bindparam("of_worker"), reservations.c.message.in_(bindparam("live", expanding=True))
    )
    .values(alive_at=bindparam("now"))
)
# Money that was spent stays counted, but nothing says any more who spent it, where from and what for.
UNLINK_HELD, UNLINK = (
    update(table)
    .where(table.c.id.in_(select(table.c.id).where(table.c.visitor == bindparam("who")).limit(1000)))
    .values(visitor="", network=None, chat="", message="", **more)
    for table, more in ((reservations, {}), (ledger, {"request_id": None}))  # the log has the request's id, too
)
UNDER_WAY = text(  # without titles, for which nobody waits
    f"SELECT count(*) FROM reservations WHERE visitor = :visitor AND alive_at >= :dead AND message NOT LIKE '%{TITLE}'"
)
MOVE = text("UPDATE budgets SET held = held + :held, spent = spent + :spent WHERE scope = :scope")
EXPIRE = text("DELETE FROM budgets WHERE expires_at < :now")
ADD_UP = text(
    """
    INSERT INTO usage_hours (hour, model, outcome, attempts, input_tokens, cached_tokens, output_tokens, cost_nano,
        first_ms_sum, first_ms_count)
    VALUES (:hour, :model, :outcome, 1, :input_tokens, :cached_tokens, :output_tokens, :cost_nano,
        :first_ms, :has_first)
    ON CONFLICT (hour, model, outcome) DO UPDATE SET
        attempts = usage_hours.attempts + 1,
        input_tokens = usage_hours.input_tokens + excluded.input_tokens,
        cached_tokens = usage_hours.cached_tokens + excluded.cached_tokens,
        output_tokens = usage_hours.output_tokens + excluded.output_tokens,
        cost_nano = usage_hours.cost_nano + excluded.cost_nano,
        first_ms_sum = usage_hours.first_ms_sum + excluded.first_ms_sum,
        first_ms_count = usage_hours.first_ms_count + excluded.first_ms_count
    """
)


def ledger_values(attempt: Attempt, made: Charge) -> dict[str, Any]:
    """The columns that an attempt and its charge fill, of the ledger and of its sums."""
    return {
        "outcome": attempt.outcome,
        "basis": made.basis,
        **{f"{kind}_tokens": count for kind, count in asdict(made.usage).items()},
        "cost_nano": made.nano,
        "key_fingerprint": attempt.key,
        "request_id": attempt.request_id or None,
        "first_ms": attempt.first_ms,
    }
