"""What the desk shows, read from sums and by index: never the whole ledger, however long it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import Connection, Row, select

from chatbot.alerts import tally
from chatbot.db import DAY_MS, DEAD_AFTER_MS, HOUR_MS, reading
from chatbot.desk.charts import Chart, columns, filled, rows
from chatbot.money import switches, usage
from chatbot.money.budgets import ANYONE, Balance
from chatbot.money.vigil import dearest
from chatbot.tables import alerts, audit, ledger, reservations
from chatbot.web.parts import Parts

HOURS, DAYS, WAITS = 24, 31, 500
MOST_SPENDERS, MOST_ALERTS, MOST_DEEDS = 10, 20, 50


@dataclass(frozen=True)
class Waits:
    """Milliseconds to the first text, of the last answers: their number, median, 95th percentile and mean."""

    count: int
    median: float
    high: float
    mean: float


@dataclass(frozen=True)
class Figures:
    """All of the page but the keys and the blocks. `balances`: of the site's day and month, and a visitor's cap."""

    now: int
    switches: switches.Switches
    balances: list[Balance]
    charts: list[Chart]
    outcomes: list[usage.Line]
    waits: Waits | None
    spenders: Sequence[Row[Any]]
    live: Sequence[Row[Any]]
    alerts: Sequence[Row[Any]]
    tallies: dict[str, int]
    deeds: Sequence[Row[Any]]

    @property
    def attempts(self) -> int:
        return sum(line.attempts for line in self.outcomes)

    @property
    def failed(self) -> int:
        return sum(line.failed for line in self.outcomes)


def read(house: Parts, now: int) -> Figures:
    """The figures of this moment. Raises SQLAlchemyError."""
    today = now // DAY_MS * DAY_MS
    balances = {balance.scope.name: balance for balance in house.ledger.balances(ANYONE)}
    with reading(house.engine) as connection:
        set_now = switches.read(connection)
        waits = _waits(connection)
        spenders = dearest(connection, balances["visitor/day"].scope, MOST_SPENDERS)
        live = live_replies(connection, now)
        sent = connection.execute(select(alerts).order_by(alerts.c.raised_at.desc()).limit(MOST_ALERTS)).all()
        deeds = connection.execute(select(audit).order_by(audit.c.id.desc()).limit(MOST_DEEDS)).all()
    return Figures(
        now=now,
        switches=set_now,
        balances=[balances[name] for name in switches.BUDGETS],
        charts=_charts(house, now),
        outcomes=usage.by_outcome(house.engine, today),
        waits=waits,
        spenders=spenders,
        live=live,
        alerts=sent,
        tallies=tally.sums(house.engine, today),
        deeds=deeds,
    )


def live_replies(connection: Connection, now: int) -> Sequence[Row[Any]]:
    """What is being answered now, the oldest first."""
    alive = reservations.c.alive_at >= now - DEAD_AFTER_MS
    return connection.execute(select(reservations).where(alive).order_by(reservations.c.started_at)).all()


def _charts(house: Parts, now: int) -> list[Chart]:
    hour = now // HOUR_MS * HOUR_MS - (HOURS - 1) * HOUR_MS
    day = now // DAY_MS * DAY_MS - (DAYS - 1) * DAY_MS
    by_hour = filled(usage.by_hour(house.engine, hour), hour, HOUR_MS, HOURS, usage.HOUR)
    by_day = filled(usage.by_day(house.engine, day), day, DAY_MS, DAYS, usage.DAY)
    return [
        columns(f"hour, last {HOURS} hours", by_hour, slice(11, 16), every=6),
        columns(f"day, last {DAYS} days", by_day, slice(5, 10), every=8),
        rows(f"model, last {DAYS} days", usage.by_model(house.engine, day)),
    ]


def _waits(connection: Connection) -> Waits | None:
    last = connection.execute(select(ledger.c.first_ms).order_by(ledger.c.started_at.desc()).limit(WAITS)).scalars()
    waits = sorted(wait for wait in last if wait is not None)
    if not waits:
        return None
    return Waits(len(waits), median(waits), waits[math.ceil(len(waits) * 0.95) - 1], sum(waits) / len(waits))
