"""Blocks: who is blocked is refused at once and told how long; conduct leads to one that doubles; all is counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from chatbot import db, migrate
from chatbot.alerts.tally import Tally, sums
from chatbot.config import load_settings
from chatbot.db import now_ms, writing
from chatbot.errors import LimitReached
from chatbot.tables import blocks as table
from chatbot.visitors import blocks
from chatbot.visitors.conduct import FIRST_WAIT_S, LONGEST_WAIT_S, misbehaved
from chatbot.visitors.limits import Limits
from chatbot.visitors.who import Visitor

HOUR_MS = 3_600_000
ANNE, BERT = Visitor("anne", "home", is_new=False), Visitor("bert", "home", is_new=False)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("blocks")
    engine = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{folder}/chat.db"))
    migrate.prepare(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(opened: Engine) -> Engine:
    with writing(opened) as connection:
        for name in ("blocks", "limit_counters", "tallies"):
            connection.execute(text(f"DELETE FROM {name}"))
    return opened


def limiting(engine: Engine, tally: Tally | None = None, **values: str) -> Limits:
    roomy = dict.fromkeys(("limit_visitor", "limit_network", "limit_site", "limit_new_visitors"), "1000/day")
    chosen = load_settings(_env_file=None, database_url=str(engine.url), **{**roomy, **values})
    return Limits(Flask("tests"), chosen, engine, tally)


@pytest.fixture
def limits(engine: Engine) -> Limits:
    return limiting(engine)


def refusal(limits: Limits, visitor: Visitor) -> LimitReached:
    with pytest.raises(LimitReached) as refused:
        limits.admit(visitor)
    return refused.value


def is_admitted(limits: Limits, visitor: Visitor) -> bool:
    return bool(limits.admit(visitor))


def test_a_blocked_visitor_is_refused_until_the_time_and_others_are_not(engine: Engine, limits: Limits) -> None:
    blocks.block(engine, "visitor/anne", "rude", now_ms() + HOUR_MS)
    refused = refusal(limits, ANNE)
    assert refused.detail == "Messages from you are not answered here for now."
    assert "rude" not in refused.detail, "the operator's reasons are the operator's"
    assert refused.retry_after and 3000 < refused.retry_after <= 3600
    assert is_admitted(limits, BERT)
    assert limits.standings(ANNE)[0].left == 1000 - 1, "what was refused counts for nobody"
    assert blocks.unblock(engine, "visitor/anne")
    assert is_admitted(limits, ANNE)


def test_a_block_of_a_network_holds_for_all_who_come_from_it(engine: Engine, limits: Limits) -> None:
    blocks.block(engine, "network/home", "flood", now_ms() + HOUR_MS)
    for visitor in (ANNE, BERT, Visitor("new", "home", is_new=True)):
        assert refusal(limits, visitor).detail == "Messages from your network are not answered here for now."
    assert is_admitted(limits, Visitor("anne", "elsewhere", is_new=False))


def test_of_two_blocks_the_longer_one_is_told(engine: Engine, limits: Limits) -> None:
    blocks.block(engine, "visitor/anne", "rude", now_ms() + HOUR_MS)
    blocks.block(engine, "network/home", "flood", now_ms() + 2 * HOUR_MS)
    refused = refusal(limits, ANNE)
    assert "your network" in refused.detail
    assert refused.retry_after and refused.retry_after > 7000


def test_a_block_ends_by_itself(engine: Engine, limits: Limits) -> None:
    blocks.block(engine, "visitor/anne", "rude", now_ms() - 1)
    assert is_admitted(limits, ANNE)
    assert blocks.current(engine) == []
    assert not blocks.unblock(engine, "visitor/anne")


def test_the_operator_sees_those_that_hold_and_a_newer_one_replaces_the_older(engine: Engine) -> None:
    later = now_ms() + 2 * HOUR_MS
    blocks.block(engine, "visitor/anne", "rude", now_ms() + 3 * HOUR_MS)
    blocks.block(engine, "visitor/anne", "less rude", later - HOUR_MS)
    blocks.block(engine, "network/home", "flood", later)
    blocks.block(engine, "visitor/over", "past", now_ms() - 1)
    assert [(each.subject, each.why, each.until) for each in blocks.current(engine)] == [
        ("visitor/anne", "less rude", later - HOUR_MS),
        ("network/home", "flood", later),
    ]
    blocks.block(engine, "network/home", "shorter", later - HOUR_MS, only_longer=True)
    assert blocks.current(engine)[-1].why == "flood"
    blocks.unblock(engine, "network/nobody")
    with engine.connect() as connection:
        assert len(connection.execute(table.select()).all()) == 2, "one that is over is forgotten with the next"


def test_to_look_for_a_block_reads_by_the_index(engine: Engine) -> None:
    with engine.connect() as connection:
        query = text(f"EXPLAIN QUERY PLAN {blocks._LONGEST.text}")
        plan = connection.execute(query, {"visitor": "visitor/anne", "network": "network/home", "now": 0}).all()
    assert any("SEARCH blocks USING INDEX" in row[-1] for row in plan), plan


def test_a_third_blocked_message_in_an_hour_makes_the_visitor_wait_and_each_one_after_for_twice_as_long(
    engine: Engine, limits: Limits
) -> None:
    waits: list[float] = []
    for _ in range(12):
        misbehaved(engine, limits, ANNE)
        held = [each for each in blocks.current(engine) if each.subject == "visitor/anne"]
        waits += [round((each.until - each.set_at) / 1000) for each in held]
        if held:
            refused = refusal(limits, ANNE)
            assert "Several of them went against the usage rules." in refused.detail
            assert refused.retry_after and waits[-1] - 300 < refused.retry_after <= waits[-1]
        blocks.unblock(engine, "visitor/anne")  # as if the wait were over
    assert waits == [min(FIRST_WAIT_S * 2**times, LONGEST_WAIT_S) for times in range(10)]


def test_a_network_waits_only_after_ten_times_as_many(engine: Engine, limits: Limits) -> None:
    for number in range(29):
        misbehaved(engine, limits, Visitor(f"visitor {number}", "home", is_new=True))
    assert blocks.current(engine) == [] and is_admitted(limits, BERT)
    misbehaved(engine, limits, Visitor("one too many", "home", is_new=True))
    assert "your network" in refusal(limits, BERT).detail
    assert is_admitted(limits, Visitor("carl", "elsewhere", is_new=False))


def test_conduct_never_shortens_what_the_operator_decided(engine: Engine, limits: Limits) -> None:
    blocks.block(engine, "visitor/anne", "rude", until := now_ms() + 48 * HOUR_MS)
    for _ in range(3):
        misbehaved(engine, limits, ANNE)
    assert [(each.why, each.until) for each in blocks.current(engine)] == [("rude", until)]


@pytest.mark.parametrize(
    ("setting", "visitor", "name"),
    [
        ("limit_visitor", ANNE, "limit visitor"),
        ("limit_network", ANNE, "limit network"),
        ("limit_site", ANNE, "limit site"),
        ("limit_new_visitors", Visitor("new", "home", is_new=True), "limit new_visitors"),
    ],
)
def test_each_refused_message_is_counted_by_its_reason(
    engine: Engine, setting: str, visitor: Visitor, name: str
) -> None:
    tally = Tally(engine)
    limits = limiting(engine, tally, **{setting: "1/day"})
    assert is_admitted(limits, visitor)
    for _ in range(2):
        refusal(limits, visitor)
    tally.keep()
    assert sums(engine) == {name: 2}


def test_refused_messages_of_the_blocked_are_counted_too(engine: Engine) -> None:
    tally = Tally(engine)
    limits = limiting(engine, tally)
    blocks.block(engine, "network/home", "flood", now_ms() + HOUR_MS)
    for visitor in (ANNE, BERT):
        refusal(limits, visitor)
    tally.keep()
    assert sums(engine) == {"blocked visitor": 2}
