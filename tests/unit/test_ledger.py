"""The ledger as its users know it, and as a state machine against a plain model of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from chatbot import chores, db, migrate, tables
from chatbot.alerts.alarm import Alarms
from chatbot.config import Settings, load_settings
from chatbot.db import DEAD_AFTER_MS
from chatbot.errors import BudgetSpent, LimitReached, Paused
from chatbot.model.events import Usage
from chatbot.money import ledger as ledger_module
from chatbot.money import switches
from chatbot.money.charge import Attempt
from chatbot.money.fit import SET_ASIDE, SOON_S, USEFUL_TOKENS
from chatbot.money.hold import Hold, Payer
from chatbot.money.ledger import Ledger
from chatbot.money.prices import Prices
from chatbot.money.switches import Pause
from chatbot.money.vigil import Vigil

MODEL = "gpt-6-luna"
NOON = 1_800_014_400_000  # 2027-01-15, 12:00 UTC
DAY_MS = 86_400_000
USAGE = Usage(input=100, cached=20, output=300)


@dataclass
class Clock:
    now: int = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (ledger_module, switches):
        monkeypatch.setattr(module, "now_ms", clock)
    return clock


Make = Callable[..., Ledger]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "ledger.db")
    yield engine
    engine.dispose()


@pytest.fixture
def make(engine: Engine, clock: Clock) -> Make:
    return lambda **values: made(engine, **values)


def opened(path: Path) -> Engine:
    engine = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{path}"))
    migrate.prepare(engine)
    return engine


def made(engine: Engine, **values: Any) -> Ledger:
    given: Settings = load_settings(_env_file=None, **{"max_concurrent_replies": 100, **values})
    return Ledger(engine, given, Prices(given))


def payer(visitor: str = "ann", message: str = "m") -> Payer:
    return Payer(visitor, f"home of {visitor}", "chat-of-ann", message, MODEL)


def worst(input_tokens: int, output_tokens: int = 2048) -> int:
    return Prices(load_settings(_env_file=None)).worst_nano(MODEL, input_tokens, output_tokens)


def dollars(nano: int) -> str:
    return f"{nano / 1e9:.9f}"


def rows(engine: Engine, table: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table)))


def budget(engine: Engine, scope: str) -> tuple[int, int]:
    with engine.connect() as connection:
        row = connection.execute(select(tables.budgets).where(tables.budgets.c.scope == scope)).first()
    return (row.spent, row.held) if row else (0, 0)


def test_the_worst_case_is_held_in_every_budget_and_the_cost_is_booked_in_its_place(make: Make, engine: Engine) -> None:
    ledger = make()
    hold = ledger.reserve(payer(), 1_000)
    assert hold.nano == worst(1_000)
    scopes = ("site/day/2027-01-15", "site/month/2027-01", "visitor/ann/day/2027-01-15")
    assert [budget(engine, scope) for scope in scopes] == [(0, hold.nano)] * 3
    assert budget(engine, f"tokens/ann/86400/{NOON // DAY_MS}") == (0, 1_000 + 2048)
    ledger.settle(hold, Attempt("complete", usage=USAGE, key="0a1b2c3d", request_id="req_1", first_ms=120))
    cost = ledger.prices.cost_nano(MODEL, USAGE)
    assert [budget(engine, scope) for scope in scopes] == [(cost, 0)] * 3
    assert budget(engine, f"tokens/ann/86400/{NOON // DAY_MS}") == (400, 0)
    (row,) = rows(engine, tables.ledger)
    assert (row.visitor, row.chat, row.message, row.model) == ("ann", "chat-of-ann", "m", MODEL)
    assert (row.input_tokens, row.cached_tokens, row.output_tokens, row.cost_nano) == (100, 20, 300, cost)
    assert (row.basis, row.outcome, row.key_fingerprint, row.request_id) == ("usage", "complete", "0a1b2c3d", "req_1")
    assert (row.started_at, row.first_ms, row.held_nano) == (NOON, 120, hold.nano)
    (hour,) = rows(engine, tables.usage_hours)
    assert (hour.hour, hour.attempts, hour.cost_nano, hour.first_ms_sum) == (NOON, 1, cost, 120)


def test_a_call_is_charged_once_however_often_it_is_settled_or_recovered(
    make: Make, engine: Engine, clock: Clock
) -> None:
    ledger, other = make(), make()
    hold = ledger.reserve(payer(), 1_000)
    clock.now += DEAD_AFTER_MS + 1
    assert (other.recover(), ledger.recover()) == (1, 0)
    assert ledger.settle(hold, Attempt("complete", usage=USAGE)) is None
    (row,) = rows(engine, tables.ledger)
    assert (row.cost_nano, row.basis, row.outcome) == (hold.nano, "reservation", "crashed")
    assert budget(engine, "site/day/2027-01-15") == (hold.nano, 0)


def test_a_worker_that_lives_keeps_its_calls(make: Make, engine: Engine, clock: Clock) -> None:
    ledger, other = make(), make()
    ledger.reserve(payer(), 1_000)
    for _ in range(4):
        clock.now += DEAD_AFTER_MS // 2
        ledger.keep(["m"])
        assert other.recover() == 0


@pytest.mark.parametrize("name", ["budget_site_day", "budget_site_month", "budget_visitor_day"])
def test_what_does_not_fit_any_one_budget_is_refused_and_nothing_is_held(make: Make, engine: Engine, name: str) -> None:
    ledger = make(**{name: dollars(worst(1_000, USEFUL_TOKENS) - 1)})
    with pytest.raises(BudgetSpent) as refused:
        ledger.reserve(payer(), 1_000)
    assert "new chat" not in refused.value.detail, "it would cost as much"
    assert refused.value.retry_after == (17 if "month" in name else 0.5) * 86_400 - (43_200 if "month" in name else 0)
    assert all((row.spent, row.held) == (0, 0) for row in rows(engine, tables.budgets))
    assert rows(engine, tables.reservations) == []


def test_an_answer_is_made_to_fit_what_is_left(make: Make) -> None:
    assert make(budget_visitor_day=dollars(worst(1_000, 700))).reserve(payer(), 1_000).max_output_tokens == 700


def test_an_allowance_of_tokens_bounds_the_answer_as_money_does(make: Make) -> None:
    ledger = make(limit_tokens_visitor="2000/day")
    assert ledger.reserve(payer(), 1_500).max_output_tokens == 500
    with pytest.raises(LimitReached) as refused:
        ledger.reserve(payer(), 1_500)
    assert refused.value.retry_after == SOON_S, "what is held may soon come free"
    with pytest.raises(LimitReached) as refused:
        ledger.reserve(payer("bob"), 1_900)
    assert refused.value.retry_after == 43_200


def test_visitors_of_one_network_spend_no_more_than_four_of_them(make: Make) -> None:
    ledger = make(budget_visitor_day=dollars(worst(1_000)))
    for number in range(4):
        ledger.reserve(Payer(f"visitor {number}", "a hotel", "chat", "m", MODEL), 1_000)
    with pytest.raises(BudgetSpent):
        ledger.reserve(Payer("one more", "a hotel", "chat", "m", MODEL), 1_000)
    ledger.reserve(Payer("one more", "at home", "chat", "m", MODEL), 1_000)


def test_where_several_budgets_are_spent_the_one_that_lasts_longest_is_told(make: Make) -> None:
    with pytest.raises(BudgetSpent) as refused:
        make(budget_site_day="0.000001", budget_site_month="0.000001").reserve(payer(), 1_000)
    assert "this month" in refused.value.detail


def test_a_long_chat_that_is_too_dear_leaves_the_budget_open_and_raises_no_alarm(engine: Engine, clock: Clock) -> None:
    given = load_settings(_env_file=None, budget_visitor_day=dollars(worst(10_000)))
    alarms = Alarms(engine)
    ledger = Ledger(engine, given, Prices(given), Vigil(engine, given, alarms))
    with pytest.raises(BudgetSpent) as refused:
        ledger.reserve(payer(), 40_000)
    assert "In a new chat an answer costs less" in refused.value.detail
    alarms.keep()
    assert rows(engine, tables.alerts) == []
    ledger.settle(ledger.reserve(payer(), 1_000), Attempt("crashed"))
    for _ in range(20):
        with contextlib.suppress(BudgetSpent):
            ledger.settle(ledger.reserve(payer(), 1_000), Attempt("crashed"))
    alarms.keep()
    assert "does not pay for another message" in rows(engine, tables.alerts)[0].words


def test_a_call_that_costs_more_than_was_held_for_it_is_booked_and_raises_the_alarm(
    engine: Engine, clock: Clock
) -> None:
    given = load_settings(_env_file=None)
    ledger = Ledger(engine, given, Prices(given), Vigil(engine, given, Alarms(engine)))
    made = ledger.settle(ledger.reserve(payer(), 100), Attempt("complete", usage=Usage(input=90_000, output=10)))
    assert made and budget(engine, "site/day/2027-01-15") == (made.nano, 0)
    assert "more than its worst case" in rows(engine, tables.alerts)[0].words


def test_a_hold_whose_reply_is_not_made_any_more_is_found_though_its_worker_lives(make: Make, clock: Clock) -> None:
    ledger = make()
    ledger.reserve(payer(message="lost"), 10)
    ledger.reserve(payer(message="live"), 10)
    clock.now += DEAD_AFTER_MS + 1
    ledger.keep(["live"])
    assert ledger.recover() == 1


def test_after_an_outage_the_living_are_heard_before_anybody_is_taken_for_dead(
    engine: Engine, make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house: Any = SimpleNamespace(engine=engine, ledger=make())
    sweep, look = chores.Sweep(house), chores.look

    def away(_: Engine) -> None:
        raise OperationalError("", {}, Exception())

    house.ledger.reserve(payer(), 10)
    clock.now += DEAD_AFTER_MS + 1
    monkeypatch.setattr(chores, "look", away)
    with pytest.raises(OperationalError):
        sweep()
    monkeypatch.setattr(chores, "look", look)
    sweep()
    assert len(rows(engine, tables.reservations)) == 1
    sweep()
    assert rows(engine, tables.reservations) == []


def test_the_pause_of_an_empty_quota_neither_replaces_the_operators_nor_outlives_a_resume(
    engine: Engine, clock: Clock
) -> None:
    switches.pause(engine, Pause("a look at the bill", "desk", clock.now))
    switches.pause(engine, Pause("no money", "automatic", clock.now, until=clock.now + 5_000))
    assert switches.look(engine).pause == Pause("a look at the bill", "desk", clock.now)
    switches.resume(engine, "desk")
    assert switches.look(engine) == switches.NONE


def test_of_two_allowances_for_the_same_time_the_smaller_counts_once(make: Make, engine: Engine) -> None:
    ledger = make(limit_tokens_visitor="5000/day;4000/day;9000/hour")
    assert ledger.reserve(payer(), 3_000).max_output_tokens == 1_000
    assert budget(engine, f"tokens/ann/86400/{NOON // DAY_MS}") == (0, 4_000)


def test_a_budget_of_nothing_closes_the_tap_and_names_no_time(make: Make) -> None:
    with pytest.raises(BudgetSpent) as refused:
        make(budget_site_day="0").reserve(payer(), 10)
    assert refused.value.retry_after is None


def test_money_that_is_held_by_others_is_worth_waiting_for(make: Make) -> None:
    ledger = make(budget_site_day=dollars(worst(1_000) + 1))
    ledger.reserve(payer(), 1_000)
    with pytest.raises(BudgetSpent) as refused:
        ledger.reserve(payer("bob"), 1_000)
    assert (refused.value.retry_after, refused.value.detail) == (SOON_S, SET_ASIDE)


def test_a_cap_that_is_changed_counts_for_the_next_call(make: Make, engine: Engine) -> None:
    ledger = make()
    ledger.reserve(payer(), 10)
    switches.set_cap(engine, "site/month", 0, "desk")
    with pytest.raises(BudgetSpent):
        ledger.reserve(payer(), 10)
    switches.set_cap(engine, "site/month", None, "desk")
    ledger.reserve(payer(), 10)


def test_a_pause_stops_calls_until_it_is_taken_back_or_over(make: Make, engine: Engine, clock: Clock) -> None:
    ledger = make()
    switches.pause(engine, Pause("a look at the bill", "desk", clock.now))
    with pytest.raises(Paused) as refused:
        ledger.reserve(payer(), 10)
    assert refused.value.retry_after is None and "bill" not in refused.value.detail
    assert switches.resume(engine, "desk") is True and switches.resume(engine, "desk") is False
    switches.pause(engine, Pause("no money", "automatic", clock.now, until=clock.now + 5_000))
    with pytest.raises(Paused) as refused:
        ledger.reserve(payer(), 10)
    assert refused.value.retry_after == 5
    clock.now += 5_000
    ledger.reserve(payer(), 10)
    assert [row.deed.split(",")[0].split(":")[0] for row in rows(engine, tables.audit)] == [
        "paused", "resumed", "paused for a while",
    ]  # fmt: skip


def test_a_visitor_has_so_many_replies_at_once_and_a_dead_worker_keeps_none_of_them(make: Make, clock: Clock) -> None:
    ledger = make(max_concurrent_replies=2)
    first, _ = ledger.reserve(payer(), 10), ledger.reserve(payer(), 10)
    with pytest.raises(LimitReached, match="2"):
        ledger.reserve(payer(), 10)
    ledger.reserve(payer("bob"), 10)
    ledger.reserve(payer(), 10, again=True)  # a retry is the same reply
    ledger.settle(first, Attempt("complete", usage=USAGE))
    clock.now += DEAD_AFTER_MS + 1
    ledger.reserve(payer(), 10)


def test_a_new_day_is_a_new_budget_and_what_was_begun_before_is_booked_before(
    make: Make, engine: Engine, clock: Clock
) -> None:
    ledger = make(budget_visitor_day=dollars(worst(1_000)))
    hold = ledger.reserve(payer(), 1_000)
    clock.now += DAY_MS
    ledger.reserve(payer(), 1_000)
    ledger.settle(hold, Attempt("complete", usage=USAGE))
    cost = ledger.prices.cost_nano(MODEL, USAGE)
    assert budget(engine, "visitor/ann/day/2027-01-15") == (cost, 0)
    assert budget(engine, "visitor/ann/day/2027-01-16") == (0, worst(1_000))
    assert budget(engine, "site/month/2027-01") == (cost, worst(1_000))


def test_the_tutor_is_never_refused_for_money(engine: Engine, clock: Clock) -> None:
    given = load_settings(_env_file=None, budget_site_day="0")
    ledger = Ledger(engine, given, Prices(given, free=True))
    hold = ledger.reserve(payer(), 1_000)
    ledger.settle(hold, Attempt("complete", usage=USAGE))
    assert (hold.nano, rows(engine, tables.ledger)[0].cost_nano) == (0, 0)


def test_rows_of_periods_that_are_long_over_are_forgotten(make: Make, engine: Engine, clock: Clock) -> None:
    ledger = make()
    ledger.settle(ledger.reserve(payer(), 10), Attempt("complete", usage=USAGE))
    clock.now += 50 * DAY_MS
    ledger.forget()
    assert {row.scope for row in rows(engine, tables.budgets)} == {"site/day/2027-01-15", "site/month/2027-01"}


class LedgerMachine(RuleBasedStateMachine):
    """Calls of three visitors by two workers, in any order, with crashes, midnights and changes of a cap.

    `bill` is what OpenAI charges, as far as it can know: it never bills more than a call was allowed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.engine = opened(Path(self.folder.name) / "ledger.db")
        self.clock = Clock()
        self.patch = pytest.MonkeyPatch()
        for module in (ledger_module, switches):
            self.patch.setattr(module, "now_ms", self.clock)
        self.workers = [made(self.engine, budget_site_day="0.01", budget_site_month="0.025") for _ in range(2)]
        self.live: list[tuple[int, Hold]] = []
        self.dead: list[Hold] = []
        self.bill: dict[str, int] = {}  # by the day on which a call was made
        self.cap = 10_000_000
        self.highest_cap: dict[str, int] = {}

    def teardown(self) -> None:
        self.patch.undo()
        self.engine.dispose()
        self.folder.cleanup()

    @property
    def day(self) -> str:
        return f"day {self.clock.now // DAY_MS}"

    @initialize()
    def begin(self) -> None:
        self.highest_cap[self.day] = self.cap

    @rule(worker=st.integers(0, 1), visitor=st.sampled_from(["ann", "bob", "eve"]), sent=st.integers(1, 20_000))
    def reserve(self, worker: int, visitor: str, sent: int) -> None:
        try:
            hold = self.workers[worker].reserve(payer(visitor), sent)
        except BudgetSpent:
            return
        assert USEFUL_TOKENS <= hold.max_output_tokens <= 2048
        self.live.append((worker, hold))

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        worker, hold = self.live.pop(data.draw(st.integers(0, len(self.live) - 1)))
        sent = data.draw(st.integers(1, hold.input_tokens))
        usage = Usage(
            input=sent,
            cached=data.draw(st.integers(0, sent)),
            cache_write=data.draw(st.integers(0, sent)),
            output=data.draw(st.integers(0, hold.max_output_tokens)),
        )
        self.pay(hold, self.workers[worker].prices.cost_nano(MODEL, usage))
        self.workers[worker].settle(hold, Attempt("complete", usage=usage))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), told=st.booleans())
    def break_off(self, data: st.DataObject, told: bool) -> None:
        worker, hold = self.live.pop(data.draw(st.integers(0, len(self.live) - 1)))
        delivered = data.draw(st.integers(0, hold.max_output_tokens)) if told else 0
        attempt = Attempt("stopped")
        attempt.hear("x" * delivered)
        self.pay(hold, self.workers[worker].prices.worst_nano(MODEL, hold.input_tokens // 4 + 1, delivered))
        self.workers[worker].settle(hold, attempt)

    @precondition(lambda self: self.live)
    @rule(worker=st.integers(0, 1))
    def crash(self, worker: int) -> None:
        """Its calls may have been billed in full; the other worker finds out."""
        for number, hold in [each for each in self.live if each[0] == worker]:
            self.pay(hold, hold.nano)
            self.live.remove((number, hold))
            self.dead.append(hold)
        self.workers[worker] = made(self.engine, budget_site_day="0.01", budget_site_month="0.025")

    @rule()
    def find_the_dead(self) -> None:
        self.clock.now += DEAD_AFTER_MS + 1
        for worker in self.workers:
            worker.keep(["m"])
        assert self.workers[0].recover() + self.workers[1].recover() == len(self.dead)
        self.dead.clear()

    @rule(hours=st.integers(1, 30))
    def let_time_pass(self, hours: int) -> None:
        self.clock.now += hours * 3_600_000
        for worker in self.workers:
            worker.keep(["m"])
        self.highest_cap.setdefault(self.day, self.cap)

    @rule(cap=st.sampled_from([0, 1_000_000, 4_000_000, 10_000_000, 15_000_000]))
    def change_the_cap(self, cap: int) -> None:
        self.cap = cap
        switches.set_cap(self.engine, "site/day", cap, "desk")
        self.highest_cap[self.day] = max(cap, self.highest_cap.get(self.day, 0))

    def pay(self, hold: Hold, nano: int) -> None:
        day = f"day {hold.started_at // DAY_MS}"
        self.bill[day] = self.bill.get(day, 0) + nano

    @invariant()
    def the_bill_is_within_the_cap(self) -> None:
        for day, nano in self.bill.items():
            assert nano <= self.highest_cap[day]

    @invariant()
    def the_budgets_hold_what_is_under_way_and_have_spent_what_the_ledger_says(self) -> None:
        under_way = [hold for _, hold in self.live] + self.dead
        with self.engine.connect() as connection:
            booked = connection.execute(select(func.coalesce(func.sum(tables.ledger.c.cost_nano), 0))).scalar_one()
            summed = connection.execute(select(func.coalesce(func.sum(tables.usage_hours.c.cost_nano), 0))).scalar_one()
            for kind in ("site/day/%", "site/month/%", "network/%", "visitor/%"):
                sums = select(func.sum(tables.budgets.c.spent), func.sum(tables.budgets.c.held))
                spent, held = connection.execute(sums.where(tables.budgets.c.scope.like(kind))).one()
                assert (spent or 0, held or 0) == (booked, sum(hold.nano for hold in under_way))
        assert booked == summed
        assert booked + sum(hold.nano for hold in self.dead) >= sum(self.bill.values())


LedgerMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTheLedgerAsAStateMachine = LedgerMachine.TestCase
