"""What was used and spent: the ledger in sums, by hour, day, model, outcome, visitor and key.

Every span is from `since_ms` up to, but without, `until_ms`, by when an attempt was begun; times are UTC. By hour, day,
model and outcome it is in whole hours: it begins with the one that `since_ms` falls in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, case, func, literal, select

from chatbot.db import DAY_MS, HOUR_MS, reading
from chatbot.tables import ledger, usage_hours

GOOD = ("complete", "stopped")  # of an attempt's outcomes; each other one is a failure
NO_KEY = "unknown"  # a worker died before it could say which key it called with
EVER = 2**53
HOUR, DAY = "%Y-%m-%d %H:00", "%Y-%m-%d"  # how lines of such spans are named

_hours, _ledger = usage_hours.c, ledger.c
# In the order in which `_line` takes them.
_SUMS_OF_HOURS = [
    func.sum(_hours.attempts),
    func.sum(case((_hours.outcome.in_(GOOD), 0), else_=_hours.attempts)),
    *map(func.sum, (_hours.input_tokens, _hours.cached_tokens, _hours.output_tokens, _hours.cost_nano)),
    *map(func.sum, (_hours.first_ms_sum, _hours.first_ms_count)),
]
_SUMS_OF_LEDGER = [
    func.count(),
    func.sum(case((_ledger.outcome.in_(GOOD), 0), else_=1)),
    *map(func.sum, (_ledger.input_tokens, _ledger.cached_tokens, _ledger.output_tokens, _ledger.cost_nano)),
    func.sum(_ledger.first_ms),
    func.count(_ledger.first_ms),
]


@dataclass(frozen=True)
class Line:
    """Attempts to call a model and what they used. `first_ms`: milliseconds to the first text, the mean, or None."""

    name: str
    attempts: int = 0
    failed: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0  # of the input
    output_tokens: int = 0
    cost_nano: int = 0
    first_ms: int | None = None


def by_hour(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """A line for each hour in which something was used, oldest first, such as `2026-11-25 14:00`."""
    return _dated(_of_hours(engine, _hours.hour, since_ms, until_ms), HOUR)


def by_day(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """As `by_hour`, for days, such as `2026-11-25`."""
    return _dated(_of_hours(engine, _hours.hour - _hours.hour % DAY_MS, since_ms, until_ms), DAY)


def by_model(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first."""
    return _dearest(_of_hours(engine, _hours.model, since_ms, until_ms))


def by_outcome(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first: complete, stopped, interrupted, crashed, and the codes of problems."""
    return _dearest(_of_hours(engine, _hours.outcome, since_ms, until_ms))


def by_visitor(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first."""
    return _dearest(_of_ledger(engine, _ledger.visitor, since_ms, until_ms))


def by_key(engine: Engine, since_ms: int, until_ms: int = EVER) -> list[Line]:
    """The dearest first, by fingerprint."""
    return _dearest(_of_ledger(engine, func.coalesce(_ledger.key_fingerprint, NO_KEY), since_ms, until_ms))


def total(engine: Engine, since_ms: int, until_ms: int = EVER) -> Line:
    """All of it, to the millisecond."""
    return next(iter(_of_ledger(engine, literal("total"), since_ms, until_ms)), Line("total"))


def of_key(engine: Engine, fingerprint: str, since_ms: int) -> Line:
    """What this app itself has used by that key since then; calls whose worker died are not in it."""
    used = _ledger.key_fingerprint == fingerprint
    return next(iter(_of_ledger(engine, literal(fingerprint), since_ms, EVER, used)), Line(fingerprint))


def _of_hours(engine: Engine, name: ColumnElement[Any], since_ms: int, until_ms: int) -> list[Line]:
    spans = (_hours.hour >= since_ms // HOUR_MS * HOUR_MS) & (_hours.hour < until_ms)
    return _lines(engine, name, _SUMS_OF_HOURS, spans)


def _of_ledger(
    engine: Engine, name: ColumnElement[Any], since_ms: int, until_ms: int, *wanted: ColumnElement[bool]
) -> list[Line]:
    begun = (_ledger.started_at >= since_ms) & (_ledger.started_at < until_ms)
    return _lines(engine, name, _SUMS_OF_LEDGER, begun, *wanted)


def _lines(
    engine: Engine, name: ColumnElement[Any], sums: Sequence[ColumnElement[Any]], *wanted: ColumnElement[bool]
) -> list[Line]:
    with reading(engine) as connection:
        found = select(name.label("name"), *sums).where(*wanted).group_by("name").order_by("name")
        return [_line(*row) for row in connection.execute(found)]


def _line(name: Any, *sums: Any) -> Line:
    attempts, failed, sent, cached, made, cost, first_sum, first_count = (int(value or 0) for value in sums)
    first_ms = round(first_sum / first_count) if first_count else None
    return Line(str(name), attempts, failed, sent, cached, made, cost, first_ms)


def _dated(lines: list[Line], form: str) -> list[Line]:
    times = (datetime.fromtimestamp(int(line.name) / 1000, UTC) for line in lines)
    return [replace(line, name=f"{time:{form}}") for line, time in zip(lines, times, strict=True)]


def _dearest(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.cost_nano, line.name))
