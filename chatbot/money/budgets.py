"""Budgets and allowances: what a visitor and the site may spend in which period, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from limits import parse_many
from sqlalchemy import Connection, TextualSelect, bindparam, select, text

from chatbot.config import Settings
from chatbot.db import DAY_MS
from chatbot.money import switches
from chatbot.money.switches import NONE, Pause, Switches
from chatbot.tables import budgets

NANO = 10**9
KEPT_MS = 40 * DAY_MS  # after its period a visitor's row is of no use; the site's months are shown for longer
SITE_KEPT_MS = 400 * DAY_MS

ANYONE = "%"  # as a visitor's id: in the pattern of a key
NETWORK_VISITORS = 4  # as many may spend all of theirs from one address: dropping a cookie makes a new visitor

_USED = select(budgets).where(budgets.c.scope.in_(bindparam("scopes", expanding=True)))


@dataclass(frozen=True)
class Scope:
    """One budget in one period. `key`: its row; `cap` in nano-dollars, or tokens where `counts_tokens`; times in ms."""

    name: str
    key: str
    cap: int
    resets_at: int
    expires_at: int
    counts_tokens: bool = False


@dataclass(frozen=True)
class Balance:
    """A scope as it stands: `used` is spent or held."""

    scope: Scope
    spent: int
    held: int

    @property
    def left(self) -> int:
        return max(0, self.scope.cap - self.spent - self.held)


def caps(settings: Settings, switches: Switches = NONE) -> dict[str, int]:
    """Nano-dollars by budget: what was set for all workers, else the settings."""
    set_here = {
        "site/day": settings.budget_site_day,
        "site/month": settings.budget_site_month,
        "visitor/day": settings.budget_visitor_day,
    }
    return {name: int(dollars * Decimal(NANO)) for name, dollars in set_here.items()} | switches.caps


def scopes(settings: Settings, switches: Switches, visitor: str, network: str, now: int) -> list[Scope]:
    """Every scope that a visitor's call is held in at this time, always in the same order."""
    today = datetime.fromtimestamp(now / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day_ends = _ms(today + timedelta(days=1))
    month_ends = _ms((today.replace(day=1) + timedelta(days=32)).replace(day=1))
    cap = caps(settings, switches)
    of_network = NETWORK_VISITORS * cap["visitor/day"]
    day, month = f"{today:%Y-%m-%d}", f"{today:%Y-%m}"
    found = [
        Scope("site/day", f"site/day/{day}", cap["site/day"], day_ends, day_ends + SITE_KEPT_MS),
        Scope("site/month", f"site/month/{month}", cap["site/month"], month_ends, month_ends + SITE_KEPT_MS),
        Scope("network/day", f"network/{network}/day/{day}", of_network, day_ends, day_ends + KEPT_MS),
        Scope("visitor/day", f"visitor/{visitor}/day/{day}", cap["visitor/day"], day_ends, day_ends + KEPT_MS),
    ]
    smallest: dict[int, int] = {}  # by the length of the window in seconds
    for item in parse_many(settings.limit_tokens_visitor):
        smallest[item.get_expiry()] = min(item.amount, smallest.get(item.get_expiry(), item.amount))
    for length_s, most in smallest.items():
        slot = now // (length_s * 1000)
        ends = (slot + 1) * length_s * 1000
        key = f"tokens/{visitor}/{length_s}/{slot}"
        found.append(Scope("tokens", key, most, ends, ends + KEPT_MS, counts_tokens=True))
    return found


def balances(connection: Connection, settings: Settings, visitor: str, network: str, now: int) -> list[Balance]:
    """How each of those scopes stands. Nothing keeps it from changing meanwhile."""
    mine = scopes(settings, switches.read(connection), visitor, network, now)
    used = {row.scope: row for row in connection.execute(_USED, {"scopes": [scope.key for scope in mine]})}
    rows = [(scope, used.get(scope.key)) for scope in mine]
    return [Balance(scope, row.spent if row else 0, row.held if row else 0) for scope, row in rows]


def locked(
    connection: Connection, settings: Settings, visitor: str, network: str, now: int
) -> tuple[list[Balance], Pause | None]:
    """Likewise, and nobody else can change them before this transaction ends; and the pause.

    Caps and pause are read once the rows are ours: what was set while we waited for them counts.
    """
    values: dict[str, Any] = {}
    rows = scopes(settings, NONE, visitor, network, now)
    for number, scope in enumerate(rows):
        values |= {f"scope_{number}": scope.key, f"expires_{number}": scope.expires_at}
    used = {row.scope: row for row in connection.execute(_lock(len(rows)), values)}
    found = switches.read(connection)
    mine = scopes(settings, found, visitor, network, now)
    return [Balance(scope, used[scope.key].spent, used[scope.key].held) for scope in mine], found.pause


@cache
def _lock(count: int) -> TextualSelect:
    """Makes so many rows where they are missing. Everybody locks them in the same order: no two wait for each other."""
    rows = ", ".join(f"(:scope_{number}, 0, 0, :expires_{number})" for number in range(count))
    return text(
        f"INSERT INTO budgets (scope, spent, held, expires_at) VALUES {rows}"
        " ON CONFLICT (scope) DO UPDATE SET spent = budgets.spent RETURNING scope, spent, held"
    ).columns(budgets.c.scope, budgets.c.spent, budgets.c.held)


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
