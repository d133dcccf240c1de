"""The vigil: watches what is spent, and raises the alarm at percents of a budget and at a sudden rate."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select

from chatbot.alerts.alarm import Alarms, Period
from chatbot.config import Settings
from chatbot.db import HOUR_MS, now_ms, reading
from chatbot.money import switches
from chatbot.money.budgets import ANYONE, Scope, balances
from chatbot.tables import budgets, usage_hours

FACTOR = 10  # times what an average hour costs is a sudden rate,
FLOOR = 0.05  # unless it is less than this part of a day's budget
WEEK_H = 168
DAY_H = 24  # of use at least: a younger site has no average

NAMES = {"site/day": "the site's budget of a day", "site/month": "the site's budget of a month"}
RESETS = {"day": "midnight UTC", "month": "the next month"}


class Vigil:
    """Every worker may keep it: each alert goes out once. Threads may share it."""

    def __init__(self, engine: Engine, settings: Settings, alarms: Alarms) -> None:
        self._engine = engine
        self._settings = settings
        self._alarms = alarms

    def look(self) -> None:
        """Compare what is spent with the caps that hold now. Raises SQLAlchemyError."""
        now = now_ms()
        with reading(self._engine) as connection:
            found = {each.scope.name: each for each in balances(connection, self._settings, ANYONE, "", now)}
            day, month, visitors = (found[name] for name in switches.BUDGETS)
            spenders = dearest(connection, visitors.scope, most=1)
            this_hour, average = _rate(connection, now)
        for balance in (day, month):
            self._compare(balance.scope, balance.spent)
        for row in spenders:
            self._compare(visitors.scope, row.spent, row.scope.split("/")[1])
        if average is not None and this_hour > max(FACTOR * average, FLOOR * day.scope.cap):
            words = (
                f"{_dollars(this_hour)} were spent in this hour; an average hour of the last week cost "
                f"{_dollars(average)}. If this is no rush of visitors: flask pause, then docs/guide/if-it-leaks.md"
            )
            self._alarms.raise_alarm("rate", "site", words, period="hour")

    def budget_spent(self, scope: Scope, visitor: str = "") -> None:
        """The ledger refused a call, because what is left of this budget does not pay for it. Never raises."""
        self._tell(scope, 100, f"what is left of {_name(scope, visitor)} does not pay for another message")

    def bound_exceeded(self, model: str) -> None:
        """A call cost more than the worst case that was held for it, so the budgets may be exceeded. Never raises."""
        words = f"a call of {model} cost more than its worst case: the price or the bound of its tokens is wrong"
        self._alarms.raise_alarm("bound", model, words)

    def _compare(self, scope: Scope, spent: int, visitor: str = "") -> None:
        reached = [percent for percent in self._settings.alert_at if spent * 100 >= scope.cap * percent]
        if reached:
            how_much = f"{_dollars(spent)} of {_dollars(scope.cap)}"
            self._tell(scope, reached[-1], f"{reached[-1]}% of {_name(scope, visitor)} is spent: {how_much}")

    def _tell(self, scope: Scope, percent: int, words: str) -> None:
        """Once in a period for each percent of each cap; lower percents are told with it."""
        if scope.cap <= 0 or scope.counts_tokens:  # nothing may be spent, and the operator knows
            return
        period: Period = "month" if scope.name == "site/month" else "day"
        if percent == 100:
            who = "They get no" if scope.name not in NAMES else "Nobody gets an"
            words += f". {who} answer before {RESETS[period]}"
        of_cap = f"% of {scope.cap / 1e9:g} in {scope.name}"
        covers = [f"{lower}{of_cap}" for lower in self._settings.alert_at if lower < percent]
        self._alarms.raise_alarm("budget", f"{percent}{of_cap}", words, period=period, covers=covers)


def dearest(connection: Connection, anyone: Scope, most: int) -> list[Row[Any]]:
    """Who has spent most in the period of this scope of ANYONE: rows of `scope`, `spent` and `held`."""
    of_period = (budgets.c.expires_at == anyone.expires_at) & budgets.c.scope.like(anyone.key)  # the former by an index
    wanted = select(budgets).where(of_period, budgets.c.spent > 0).order_by(budgets.c.spent.desc()).limit(most)
    return list(connection.execute(wanted))


def _rate(connection: Connection, now: int) -> tuple[int, float | None]:
    """Nano-dollars of this hour, and of an average hour in the seven days before, which is None for a young site."""
    hour, cost = usage_hours.c.hour, func.sum(usage_hours.c.cost_nano)
    this_hour = now // HOUR_MS * HOUR_MS
    first = connection.execute(select(func.min(hour))).scalar()
    age_h = (this_hour - first) // HOUR_MS if first is not None else 0
    if age_h < DAY_H:
        return 0, None
    hours = min(age_h, WEEK_H)
    since = this_hour - hours * HOUR_MS
    costs = dict(connection.execute(select(hour, cost).where(hour >= since).group_by(hour)).all())
    now_spent = int(costs.pop(this_hour, 0))
    return now_spent, int(sum(costs.values())) / hours


def _name(scope: Scope, visitor: str) -> str:
    whose = f"visitor {visitor[:8]}" if scope.name == "visitor/day" else f"the network of visitor {visitor[:8]}"
    return NAMES.get(scope.name) or f"what {whose} may spend in a day"


def _dollars(nano: float) -> str:
    return f"${nano / 1e9:.2f}"
