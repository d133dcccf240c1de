"""The counters of limits in the database: never one too many, true about the wait, and whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.errors import Busy, LimitReached
from chatbot.visitors import counters, gate, limits, standing
from chatbot.visitors.counters import DatabaseStorage, drop_expired
from chatbot.visitors.limits import Limits
from chatbot.visitors.who import Visitor

NOON = 1_800_000_000.0  # divides by every window below
WINDOW_S = 60


class Clock(SimpleNamespace):
    """The time that the counters see."""

    now: float

    def time(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("counters")
    opened = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{folder}/chat.db"))
    migrate.prepare(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with pytest.MonkeyPatch.context() as patch:
        running = Clock(now=NOON)
        patch.setattr(counters, "time", running)
        patch.setattr(standing, "time", running)
        yield running


@pytest.fixture
def storage(engine: Engine, clock: Clock) -> DatabaseStorage:
    clock.now = NOON
    storage = DatabaseStorage("database://", engine=engine)
    storage.reset()
    return storage


def limiting(engine: Engine, **values: str) -> Limits:
    roomy = dict.fromkeys(("limit_visitor", "limit_network", "limit_site", "limit_new_visitors"), "1000/day")
    chosen = load_settings(_env_file=None, database_url=str(engine.url), **{**roomy, **values})
    return Limits(Flask("tests"), chosen, engine)


def visitor(name: str = "a", network: str = "n", *, is_new: bool = False) -> Visitor:
    return Visitor(name, network, is_new)


@settings(max_examples=40, deadline=None)
@given(limit=st.integers(1, 6), gaps=st.lists(st.floats(0, 45), min_size=5, max_size=40))
def test_no_window_however_placed_admits_more_than_the_estimate_allows(
    limit: int, gaps: list[float], engine: Engine, clock: Clock
) -> None:
    """The rule in plain words: this window's hits and the weighted hits of the one before, with the new one, fit."""
    storage = DatabaseStorage("database://", engine=engine)
    storage.reset()
    clock.now = NOON
    hits: list[float] = []
    for gap in gaps:
        clock.now += gap
        start = clock.now - clock.now % WINDOW_S
        current = sum(at >= start for at in hits)
        previous = sum(start - WINDOW_S <= at < start for at in hits)
        estimate = current + previous * (1 - (clock.now - start) / WINDOW_S)
        admitted = storage.acquire_sliding_window_entry("k", limit, WINDOW_S)
        if abs(estimate + 1 - limit) > 1e-6:
            assert admitted == (estimate + 1 <= limit)
        if admitted:
            hits.append(clock.now)
        counted = storage.get_sliding_window("k", WINDOW_S)
        assert counted[0] == previous and counted[2] == current + admitted


@settings(max_examples=40, deadline=None)
@given(
    amount=st.integers(1, 6),
    gaps=st.lists(st.floats(0, 20), min_size=0, max_size=20),
)
def test_the_time_to_wait_is_enough_and_not_much_too_long(
    amount: int, gaps: list[float], engine: Engine, clock: Clock
) -> None:
    house = limiting(engine, limit_visitor=f"{amount}/minute")
    house._limiter.storage.reset()  # type: ignore[union-attr]
    clock.now = NOON
    for gap in gaps:
        clock.now += gap
        try:
            house.admit(visitor())
        except LimitReached as refused:
            assert refused.retry_after is not None
            told = refused.retry_after
            clock.now += told - 0.01
            if told > 0.02:
                with pytest.raises(LimitReached):
                    house.admit(visitor())
            clock.now += 0.02
            house.admit(visitor())


def test_threads_that_ask_at_once_get_exactly_the_limit(storage: DatabaseStorage) -> None:
    taken: list[bool] = []

    def ask() -> None:
        for _ in range(10):
            taken.append(storage.acquire_sliding_window_entry("k", 25, 86_400))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (taken.count(True), taken.count(False)) == (25, 55)


def test_a_refused_hit_is_not_counted(storage: DatabaseStorage) -> None:
    results = [storage.acquire_sliding_window_entry("k", 2, WINDOW_S) for _ in range(9)]
    assert results == [True, True, *[False] * 7]
    assert storage.get_sliding_window("k", WINDOW_S)[2] == 2


def test_an_amount_counts_whole_or_not_at_all(storage: DatabaseStorage) -> None:
    assert storage.acquire_sliding_window_entry("k", 10, WINDOW_S, amount=7)
    assert not storage.acquire_sliding_window_entry("k", 10, WINDOW_S, amount=4)
    assert storage.acquire_sliding_window_entry("k", 10, WINDOW_S, amount=3)
    assert not storage.acquire_sliding_window_entry("other", 10, WINDOW_S, amount=11)


def test_a_machine_whose_clock_is_behind_gets_no_extra_place(storage: DatabaseStorage, clock: Clock) -> None:
    assert storage.acquire_sliding_window_entry("k", 1, WINDOW_S)
    clock.now -= WINDOW_S
    assert not storage.acquire_sliding_window_entry("k", 1, WINDOW_S)
    clock.now += WINDOW_S
    assert not storage.acquire_sliding_window_entry("k", 1, WINDOW_S)


def test_after_two_idle_windows_everything_is_free_again(storage: DatabaseStorage, clock: Clock) -> None:
    assert [storage.acquire_sliding_window_entry("k", 2, WINDOW_S) for _ in range(3)] == [True, True, False]
    clock.now += 2 * WINDOW_S
    assert storage.get_sliding_window("k", WINDOW_S)[::2] == (0, 0)
    assert [storage.acquire_sliding_window_entry("k", 2, WINDOW_S) for _ in range(3)] == [True, True, False]


def test_expired_counters_are_forgotten_and_live_ones_kept(
    storage: DatabaseStorage, engine: Engine, clock: Clock
) -> None:
    storage.acquire_sliding_window_entry("short", 5, WINDOW_S)
    storage.acquire_sliding_window_entry("long", 5, 86_400)
    clock.now += 2 * WINDOW_S + 1
    drop_expired(engine)
    with engine.connect() as connection:
        assert connection.execute(select(tables.limit_counters.c.key)).scalars().all() == ["long"]


def test_a_counter_can_be_cleared_alone(storage: DatabaseStorage) -> None:
    for key in ("a", "b"):
        storage.acquire_sliding_window_entry(key, 5, WINDOW_S)
    storage.clear_sliding_window("a", WINDOW_S)
    assert storage.get_sliding_window("a", WINDOW_S)[2] == 0
    assert storage.get_sliding_window("b", WINDOW_S)[2] == 1
    assert storage.check()


@pytest.mark.parametrize("scope", ["visitor", "network", "site", "new_visitors"])
def test_a_refusal_in_one_scope_leaves_every_other_as_it_was(
    scope: str, storage: DatabaseStorage, engine: Engine
) -> None:
    house = limiting(engine, **{f"limit_{scope}": "100/hour;1/day"})
    house.admit(visitor(is_new=True))
    with engine.connect() as connection:
        before = connection.execute(select(tables.limit_counters).order_by("key")).all()
    assert len(before) == 5
    for _ in range(3):
        with pytest.raises(LimitReached) as refused:
            house.admit(visitor(is_new=True))
        assert refused.value.detail == limits.WORDS[scope]
    with engine.connect() as connection:
        assert connection.execute(select(tables.limit_counters).order_by("key")).all() == before


def test_visitors_of_one_network_share_its_limit_and_others_do_not(storage: DatabaseStorage, engine: Engine) -> None:
    house = limiting(engine, limit_network="2/day")
    house.admit(visitor("a"))
    house.admit(visitor("b"))
    with pytest.raises(LimitReached):
        house.admit(visitor("c"))
    house.admit(visitor("c", network="another"))


def test_the_standing_tells_what_is_left_and_when_more_comes(
    storage: DatabaseStorage, engine: Engine, clock: Clock
) -> None:
    house = limiting(engine, limit_visitor="3/minute;100/day")
    clock.now = NOON + 15
    first = house.admit(visitor())[0]
    assert (first.scope, first.limit, first.window_s, first.left) == ("visitor", 3, 60, 2)
    assert first.resets_at.timestamp() == NOON + 60
    house.admit(visitor())
    assert house.admit(visitor())[0].left == 0
    assert house.standings(visitor())[0].left == 0
    assert house.standings(visitor("b"))[0].left == 3


def test_looking_at_the_standing_costs_nothing(storage: DatabaseStorage, engine: Engine) -> None:
    house = limiting(engine, limit_visitor="1/day")
    for _ in range(5):
        assert house.standings(visitor())[0].left == 1
    house.admit(visitor())


def test_headers_name_every_limit_with_what_is_left(storage: DatabaseStorage, engine: Engine, clock: Clock) -> None:
    house = limiting(engine, limit_visitor="3/minute")
    sent = standing.headers(house.admit(visitor()))
    assert sent["RateLimit"].split(", ")[0] == '"visitor-60s";r=2;t=60'
    assert sent["RateLimit-Policy"].split(", ")[0] == '"visitor-60s";q=3;w=60'
    assert {name.split(";")[0] for name in sent["RateLimit"].split(", ")} == {
        '"visitor-60s"', '"network-86400s"', '"site-86400s"',
    }  # fmt: skip


def test_a_limit_of_zero_admits_nobody_and_says_a_time(storage: DatabaseStorage, engine: Engine) -> None:
    house = limiting(engine, limit_site="0/day")
    with pytest.raises(LimitReached) as refused:
        house.admit(visitor())
    assert refused.value.retry_after == 86_400
    assert house.standings(visitor())[0].left == 0


def test_counters_hold_no_address(storage: DatabaseStorage, engine: Engine) -> None:
    from chatbot.signing import Signer
    from chatbot.visitors.who import identify

    asked: Any = SimpleNamespace(cookies={}, remote_addr="192.0.2.77")
    limiting(engine).admit(identify(asked, Signer("secret")))
    with engine.connect() as connection:
        assert "192.0.2.77" not in str(connection.execute(select(tables.limit_counters)).all())


def test_one_worker_may_count_in_memory(storage: DatabaseStorage, engine: Engine) -> None:
    house = limiting(engine, limit_network="1/day", ratelimit_storage_uri="memory://")
    house.admit(visitor("a"))
    with pytest.raises(LimitReached):
        house.admit(visitor("b"))
    house.check()


def test_new_visitors_who_only_look_around_are_rationed_too(storage: DatabaseStorage, engine: Engine) -> None:
    house = limiting(engine, limit_new_visitors="2/day")
    assert [house.welcome(visitor(name, is_new=True)) for name in "abc"] == [True, True, False]
    assert not house.welcome(visitor("a")), "a known visitor needs no welcome"
    with pytest.raises(LimitReached):
        house.admit(visitor("d", is_new=True))
    house.admit(visitor("a"))


def test_the_gate_lets_in_four_questions_at_a_time_and_sends_others_away_when_they_have_waited(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = limiting(engine)
    monkeypatch.setattr(gate, "WAIT_S", 0.05)
    with ExitStack() as inside:
        for _ in range(limits.AT_ONCE):
            inside.enter_context(house.gate())
        with pytest.raises(Busy), house.gate():
            pass
    with house.gate():
        pass
