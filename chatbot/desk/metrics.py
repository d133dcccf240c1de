"""The desk's figures as Prometheus text, from the database: exact across workers, and kept over restarts.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from chatbot.alerts import tally
from chatbot.db import now_ms, reading
from chatbot.desk import figures
from chatbot.money import switches
from chatbot.money.budgets import NANO
from chatbot.tables import usage_hours
from chatbot.web.parts import Parts

SITE = ("site/day", "site/month")
TOKENS = ("input", "cached", "output")
_SUMMED = ("attempts", "input_tokens", "cached_tokens", "output_tokens", "cost_nano", "first_ms_sum", "first_ms_count")
_USED = (
    select(usage_hours.c.model, usage_hours.c.outcome, *(func.sum(usage_hours.c[name]).label(name) for name in _SUMMED))
    .group_by(usage_hours.c.model, usage_hours.c.outcome)
    .order_by(usage_hours.c.model, usage_hours.c.outcome)
)


def exposition(house: Parts) -> str:
    """All metrics. Raises SQLAlchemyError."""
    now = now_ms()
    with reading(house.engine) as connection:
        used = connection.execute(_USED).mappings().all()
        paused = switches.read(connection).pause is not None
        live = len(figures.live_replies(connection, now))
    by = [
        ({"model": row["model"], "outcome": row["outcome"]}, {name: int(row[name]) for name in _SUMMED}) for row in used
    ]
    budgets = [({"budget": each.scope.name}, each) for each in house.ledger.balances("") if each.scope.name in SITE]
    families = [
        _family("attempts_total", "counter", "Attempts to call a model.", ((of, row["attempts"]) for of, row in by)),
        _family(
            "tokens_total", "counter", "Tokens used; those from the cache are part of the input.",
            (({**of, "kind": kind}, row[f"{kind}_tokens"]) for of, row in by for kind in TOKENS),
        ),
        _family("cost_dollars_total", "counter", "US dollars.", ((of, row["cost_nano"] / NANO) for of, row in by)),
        _family(
            "first_text_seconds", "summary", "Time to the first text.",
            ((of, row["first_ms_sum"] / 1000) for of, row in by), "_sum",
        ) + _samples("first_text_seconds_count", ((of, row["first_ms_count"]) for of, row in by)),
        _family("budget_spent_dollars", "gauge", "Spent.", ((of, budget.spent / NANO) for of, budget in budgets)),
        _family("budget_held_dollars", "gauge", "Held.", ((of, budget.held / NANO) for of, budget in budgets)),
        _family("budget_cap_dollars", "gauge", "The cap.", ((of, budget.scope.cap / NANO) for of, budget in budgets)),
        _family("live_replies", "gauge", "Replies that are being made.", [({}, live)]),
        _family("paused", "gauge", "1 while all spending is stopped.", [({}, int(paused))]),
        _family(
            "events_total", "counter", "What else happened, by name.",
            (({"name": name}, count) for name, count in sorted(tally.sums(house.engine).items())),
        ),
    ]  # fmt: skip
    return "".join(families)


def _family(name: str, kind: str, meaning: str, samples: Iterable[tuple[dict[str, str], Any]], suffix: str = "") -> str:
    head = f"# HELP turnkey_{name} {meaning}\n# TYPE turnkey_{name} {kind}\n"
    return head + _samples(name + suffix, samples)


def _samples(name: str, samples: Iterable[tuple[dict[str, str], Any]]) -> str:
    return "".join(f"turnkey_{name}{_labels(labels)} {value}\n" for labels, value in samples)


def _labels(labels: dict[str, str]) -> str:
    named = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{named}}}" if named else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
