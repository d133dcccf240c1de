"""The ledger in sums: by whatever one asks for, the same money, in spans that meet without a gap."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from chatbot import db, migrate
from chatbot.config import load_settings
from chatbot.db import DAY_MS, HOUR_MS
from chatbot.money import usage
from chatbot.money.usage import Line
from tests.booked import book

NOON = int(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp() * 1000)
MIDNIGHT = NOON // DAY_MS * DAY_MS
SUMS = (usage.by_hour, usage.by_day, usage.by_model, usage.by_outcome, usage.by_visitor, usage.by_key)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    migrate.prepare(opened)
    yield opened
    opened.dispose()


def test_a_line_adds_up_attempts_failures_tokens_and_money(engine: Engine) -> None:
    book(
        engine,
        {"started_at": NOON},
        {"started_at": NOON + 1, "outcome": "stopped", "first_ms": 201, "cost_nano": 7},
        {"started_at": NOON + 2, "outcome": "busy", "first_ms": None, "cost_nano": 0, "output_tokens": 0},
        {"started_at": NOON + 3, "outcome": "crashed", "first_ms": None, "model": "gpt-6-sol", "cost_nano": 9000},
    )
    luna = Line("gpt-6-luna", 3, 1, 30, 6, 8, 1007, 150)
    sol = Line("gpt-6-sol", 1, 1, 10, 2, 4, 9000, None)
    assert usage.by_model(engine, NOON) == [sol, luna], "the dearest first"
    assert [(line.name, line.attempts, line.failed) for line in usage.by_outcome(engine, NOON)] == [
        ("crashed", 1, 1), ("complete", 1, 0), ("stopped", 1, 0), ("busy", 1, 1),
    ]  # fmt: skip
    assert usage.total(engine, NOON) == Line("total", 4, 2, 40, 8, 12, 10_007, 150)


def test_hours_and_days_are_those_of_utc_and_come_in_order(engine: Engine) -> None:
    book(
        engine,
        {"started_at": MIDNIGHT - 1, "cost_nano": 1},
        {"started_at": MIDNIGHT, "cost_nano": 20},
        {"started_at": MIDNIGHT + HOUR_MS - 1, "cost_nano": 300},
        {"started_at": MIDNIGHT + HOUR_MS, "cost_nano": 4},
    )
    hours = [(line.name, line.cost_nano) for line in usage.by_hour(engine, MIDNIGHT - DAY_MS)]
    assert hours == [("2026-11-24 23:00", 1), ("2026-11-25 00:00", 320), ("2026-11-25 01:00", 4)]
    days = [(line.name, line.cost_nano) for line in usage.by_day(engine, MIDNIGHT - DAY_MS)]
    assert days == [("2026-11-24", 1), ("2026-11-25", 324)]


@pytest.mark.parametrize("sums", SUMS, ids=lambda sums: sums.__name__)
def test_spans_meet_without_a_gap_and_do_not_overlap(engine: Engine, sums) -> None:
    book(engine, *({"started_at": MIDNIGHT + shift, "cost_nano": 1} for shift in (-1, 0, 1)))
    before, after = sums(engine, 0, MIDNIGHT), sums(engine, MIDNIGHT)
    assert [sum(line.cost_nano for line in lines) for lines in (before, after)] == [1, 2]


def test_a_total_is_exact_to_the_millisecond_and_zero_where_nothing_was_used(engine: Engine) -> None:
    book(engine, {"started_at": NOON})
    assert usage.total(engine, NOON, NOON + 1).attempts == 1
    for since, until in ((NOON + 1, NOON + HOUR_MS), (NOON - HOUR_MS, NOON)):
        assert usage.total(engine, since, until) == Line("total", 0, 0, 0, 0, 0, 0, None)
    assert usage.by_model(engine, NOON + HOUR_MS) == []


def test_sums_of_hours_begin_with_a_whole_hour(engine: Engine) -> None:
    book(engine, {"started_at": NOON})
    assert [line.name for line in usage.by_hour(engine, NOON + HOUR_MS - 1)] == ["2026-11-25 12:00"]


def test_visitors_come_dearest_first(engine: Engine) -> None:
    book(engine, *({"started_at": NOON, "visitor": f"v{number}", "cost_nano": number % 7} for number in range(20)))
    found = usage.by_visitor(engine, NOON)
    assert [(line.name, line.cost_nano) for line in found[:3]] == [("v13", 6), ("v6", 6), ("v12", 5)]
    assert len(found) == 20


def test_a_key_has_its_own_sum_and_a_call_without_one_is_unknown(engine: Engine) -> None:
    book(
        engine,
        {"started_at": NOON - 1},
        {"started_at": NOON, "cost_nano": 5},
        {"started_at": NOON, "key_fingerprint": "bbbbbbbb", "cost_nano": 3},
        {"started_at": NOON, "key_fingerprint": None, "outcome": "crashed"},
    )
    assert [(line.name, line.cost_nano) for line in usage.by_key(engine, NOON)] == [
        ("unknown", 1000), ("aaaaaaaa", 5), ("bbbbbbbb", 3),
    ]  # fmt: skip
    assert usage.of_key(engine, "aaaaaaaa", NOON) == Line("aaaaaaaa", 1, 0, 10, 2, 4, 5, 100)
    assert usage.of_key(engine, "cccccccc", 0).attempts == 0


def test_whatever_the_sums_are_by_they_are_of_the_same_money(engine: Engine) -> None:
    chance = random.Random(25)
    rows = [
        {
            "started_at": MIDNIGHT + chance.randrange(5 * DAY_MS),
            "visitor": f"v{chance.randrange(9)}",
            "model": chance.choice(["gpt-6-luna", "gpt-6-sol"]),
            "outcome": chance.choice(["complete", "stopped", "busy", "crashed"]),
            "key_fingerprint": chance.choice(["aaaaaaaa", "bbbbbbbb", None]),
            "cost_nano": chance.randrange(10**9),
            "first_ms": chance.choice([None, 100, 3000]),
        }
        for _ in range(300)
    ]
    book(engine, *rows)
    for since, until in ((0, usage.EVER), (MIDNIGHT + 7 * HOUR_MS, MIDNIGHT + 3 * DAY_MS)):
        whole = usage.total(engine, since, until)
        within = [row for row in rows if since <= row["started_at"] < until]
        assert whole.cost_nano == sum(row["cost_nano"] for row in within)
        for sums in SUMS:
            lines = sums(engine, since, until)
            for figure in ("attempts", "failed", "input_tokens", "cached_tokens", "output_tokens", "cost_nano"):
                assert sum(getattr(line, figure) for line in lines) == getattr(whole, figure), sums.__name__


def test_no_sum_reads_the_whole_ledger(engine: Engine) -> None:
    asked: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    for sums in (*SUMS, usage.total):
        sums(engine, NOON, NOON + 1)
    usage.of_key(engine, "aaaaaaaa", NOON)
    queries = [each for each in asked if "FROM ledger" in each[0]]
    assert len(queries) == 4
    with engine.connect() as connection:
        for query, values in queries:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all())  # type: ignore[arg-type]
            assert "SEARCH ledger USING INDEX" in plan, plan
