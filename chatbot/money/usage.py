"""What was used and spent: the ledger in sums, by hour, day, model, outcome, visitor and key.

Every span is from `since_ms` up to, but without, `until_ms`, by when an attempt was begun; times are UTC. By hour, day,
model and outcome it is in whole hours: it begins with the one that `since_ms` falls in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, case, func, literal, select

from chatbot.db import DAY_MS, HOUR_MS, reading
from chatbot.tables import ledger, usage_hours

GOOD = ("complete", "stopped")  # of an attempt's outcomes; each other one is a failure
NO_KEY = "unknown"  # a worker died before it could say which key it called with
EVER = 2**53


@dataclass(frozen=True)
class Line:
    """Attempts to call a model and what they used. `first_ms`: milliseconds to the first text, the mean, or None."""

    name: str
    attempts: int
    failed: int
    input_tokens: int
    cached_tokens: int  # of the input
    output_tokens: int
    cost_nano: int
    first_ms: int | None


def by_hour(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """A line for each hour in which something was used, oldest first, such as `2026-11-25 14:00`."""
    return [_named(row, "%Y-%m-%d %H:00") for row in _of_hours(engine, usage_hours.c.hour, since_ms, until_ms)]


def by_day(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """As `by_hour`, for days, such as `2026-11-25`."""
    day = usage_hours.c.hour - usage_hours.c.hour % DAY_MS
    return [_named(row, "%Y-%m-%d") for row in _of_hours(engine, day, since_ms, until_ms)]


def by_model(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first."""
    return _dearest(_of_hours(engine, usage_hours.c.model, since_ms, until_ms))


def by_outcome(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first: complete, stopped, interrupted, crashed, and the codes of problems."""
    return _dearest(_of_hours(engine, usage_hours.c.outcome, since_ms, until_ms))


def by_visitor(engine: Engine, since_ms: int, until_ms: int = EVER, most: int | None = None) -> list[Line]:
    """The dearest first; of them no more than `most`."""
    return _dearest(_of_ledger(engine, ledger.c.visitor, _begun(since_ms, until_ms), most))


def by_key(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first, by fingerprint."""
    key = func.coalesce(ledger.c.key_fingerprint, NO_KEY)
    return _dearest(_of_ledger(engine, key, _begun(since_ms, until_ms)))


def total(engine: Engine, since_ms: int, until_ms: int = EVER) -> Line:
    """All of it, to the millisecond."""
    return _only("total", _of_ledger(engine, literal(0), _begun(since_ms, until_ms)))


def of_key(engine: Engine, fingerprint: str, since_ms: int) -> Line:
    """What this app itself has used by that key since then; calls whose worker died are not in it."""
    used = _begun(since_ms, EVER) & (ledger.c.key_fingerprint == fingerprint)
    return _only(fingerprint, _of_ledger(engine, literal(0), used))


def _of_hours(engine: Engine, name: ColumnElement[Any], since_ms: int, until_ms: int) -> Sequence[Row[Any]]:
    table = usage_hours.c
    spans = (table.hour >= since_ms // HOUR_MS * HOUR_MS) & (table.hour < until_ms)
    failed = func.sum(case((table.outcome.in_(GOOD), 0), else_=table.attempts))
    tokens = [func.sum(column) for column in (table.input_tokens, table.cached_tokens, table.output_tokens)]
    sums = [func.sum(table.attempts), failed, *tokens, func.sum(table.cost_nano)]
    first = [func.sum(table.first_ms_sum), func.sum(table.first_ms_count)]
    with reading(engine) as connection:
        return connection.execute(
            select(name.label("name"), *sums, *first).where(spans).group_by("name").order_by("name")
        ).all()


def _of_ledger(
    engine: Engine, name: ColumnElement[Any], wanted: ColumnElement[bool], most: int | None = None
) -> Sequence[Row[Any]]:
    table = ledger.c
    failed = func.sum(case((table.outcome.in_(GOOD), 0), else_=1))
    tokens = [func.sum(column) for column in (table.input_tokens, table.cached_tokens, table.output_tokens)]
    cost = func.sum(table.cost_nano)
    sums = [func.count(), failed, *tokens, cost, func.sum(table.first_ms), func.count(table.first_ms)]
    with reading(engine) as connection:
        return connection.execute(
            select(name.label("name"), *sums).where(wanted).group_by("name").order_by(cost.desc(), "name").limit(most)
        ).all()


def _begun(since_ms: int, until_ms: int) -> ColumnElement[bool]:
    return (ledger.c.started_at >= since_ms) & (ledger.c.started_at < until_ms)


def _dearest(rows: Sequence[Row[Any]]) -> list[Line]:
    return sorted((_line(row.name, row) for row in rows), key=lambda line: (-line.cost_nano, line.name))


def _only(name: str, rows: Sequence[Row[Any]]) -> Line:
    return _line(name, rows[0]) if rows else Line(name, 0, 0, 0, 0, 0, 0, None)


def _named(row: Row[Any], form: str) -> Line:
    return _line(datetime.fromtimestamp(int(row.name) / 1000, UTC).strftime(form), row)


def _line(name: str, row: Row[Any]) -> Line:
    values: list[Any] = list(row)[1:]
    attempts, failed, sent, cached, made, cost, first_sum, first_count = (int(value or 0) for value in values)
    first = round(first_sum / first_count) if first_count else None
    return Line(name, attempts, failed, sent, cached, made, cost, first)
