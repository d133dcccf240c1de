"""The bill has a ceiling: whatever happens, OpenAI's own bill is at most the cap, and at most what the ledger says."""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from chatbot import db
from chatbot.key.credential import Key
from chatbot.money import switches
from chatbot.money.charge import HIDDEN_TOKENS_PER_S, UNHEARD_TOKENS
from chatbot.money.switches import Pause
from chatbot.signing import Signer
from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import (
    PATIENCE_S,
    Books,
    Stranger,
    calls_of,
    crowd,
    in_threads,
    kinds,
    new_database,
    watching,
)
from tests.visitor import Reply, read_events

WORKERS = 4
THREADS = 50 * WORKERS
AGES_MS = 600_000
PLENTY = 50_000_000_000  # nano-dollars
APART = ("money", "key", "timeout")  # not at random: they stop the site, end the key, or last for over a minute
QUOTA_CODES = (
    "insufficient_quota", "credit_balance_exhausted", "project_spend_limit_exceeded",
    "organization_spend_limit_exceeded", "organization_usage_limit_exceeded",
)  # fmt: skip


@dataclass
class House:
    """A server with four workers, its books, and the OpenAI that bills it."""

    served: Served
    books: Books
    fake: FakeOpenAI
    api: str
    standby: str

    def stranger(self) -> Stranger:
        """Somebody new, who has the cookie already."""
        visitor = Stranger(self.served)
        assert visitor.get("/api/me").status == 200
        return visitor

    def pause(self, **more: Any) -> float:
        """When it holds, by time.time()."""
        switches.pause(self.books.engine, Pause("a test", "desk", db.now_ms(), **more))
        return time.time()

    def resume(self) -> None:
        switches.resume(self.books.engine, "desk")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Both databases, and both APIs with them."""
    variables: dict[str, object] = {"SECRET_KEY": SECRET, "WEB_CONCURRENCY": WORKERS, "TRUSTED_PROXIES": 1}
    variables |= {
        "MAX_OUTPUT_TOKENS": 512,
        "MAX_CONCURRENT_REPLIES": 2,
        "BUDGET_SITE_MONTH": 1000,
        "BUDGET_SITE_DAY": 1000,
    }
    api = "responses"
    if request.param == "postgresql":
        variables |= {"DATABASE_URL": new_database(request.getfixturevalue("postgres_url"))}
        variables |= {"OPENAI_API": "chat_completions"}
        api = "chat"
    with FakeOpenAI() as fake, serving(tmp_path_factory.mktemp(request.param)) as start:
        standby = fake.new_key()
        served = start(**fake.env, **variables, OPENAI_API_KEY_STANDBY=standby)
        books = Books(served)
        yield House(served, books, fake, api, standby)
        books.close()


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """It has plenty of money; and after each test the books must be right."""
    shared.books.give(PLENTY)
    yield shared
    shared.resume()
    shared.books.audit(shared.fake)


@pytest.mark.usefixtures("one_day")
def test_two_hundred_visitors_at_four_workers_spend_the_cap_and_never_more(house: House) -> None:
    """Each refused one is told so and causes no call; the last answers are shorter, to fit what is left."""
    calls, attempts = len(house.fake.calls), len(house.books.attempts())
    bill, cost = house.fake.bill().nano_dollars, house.books.cost()
    cap = house.books.give(20_000_000)

    def ask(visitor: Stranger) -> Reply:
        for _ in range(PATIENCE_S):
            reply = visitor.ask("tokens 300; delay 1")
            if reply.problem.get("code") not in ("busy", "unavailable"):  # the machine, or its database
                break
            time.sleep(1)
        return reply

    def chat(_: int) -> list[Reply]:
        visitor = Stranger(house.served)
        return [ask(visitor) for _ in range(2)]

    with watching(house.books, house.fake, cap), ThreadPoolExecutor(THREADS) as pool:
        replies = [reply for found in pool.map(chat, range(THREADS)) for reply in found]
        while replies[-1].status == 200 or replies[-1].problem["retry_after"] <= 5:
            replies.append(ask(Stranger(house.served)))
    assert set(kinds(replies)) == {"200", "429 budget_spent"}
    house.books.audit(house.fake)
    answered = [reply for reply in replies if reply.status == 200]
    assert len(house.fake.calls) - calls == len(answered) == len(house.books.attempts()) - attempts
    spent = house.books.cost() - cost
    assert house.fake.bill().nano_dollars - bill == spent, "usage arrived for each, so it is exact"
    assert spent > 20_000_000 * 0.98 and house.books.cost() <= cap
    assert any("shortenedTo" in reply.chunk("start")["messageMetadata"] for reply in answered)
    assert all(reply.problem["retry_after"] >= 1 for reply in replies if reply.status == 429)


def test_whatever_fails_before_or_in_the_stream_no_call_costs_less_here_than_there(house: House) -> None:
    """Every fault of the fake, together with what makes a bill longer; some are stopped on the way."""
    faults = [each for each in [*FAULTS_BEFORE, *FAULTS_DURING] if house.api in each.apis and each.hint not in APART]
    dice = random.Random(4)

    def asked(fault: str) -> str:
        reasoning = dice.choice([0, 30, 300])
        more = ["delay 5", f"tokens {dice.choice([0, 3, 120])}", f"overrun {UNHEARD_TOKENS}", "cached 20"]
        more += ["cache-write 9", f"reasoning {reasoning}; first {reasoning / HIDDEN_TOKENS_PER_S + 0.05:.2f}"]
        more += ["times 1"] + ["no-usage"] * (not reasoning)
        alone = any(word in fault for word in ("text", "summary", "refusal", "usage", "endless"))
        return fault if alone else "; ".join(["delay 5", *dice.sample(more, 3), fault])

    directives = [asked(each.directive) for each in faults if "insufficient_quota" not in each.directive]
    dice.shuffle(directives)
    stops = [dice.random() < 0.15 for _ in directives]

    def ask(directive: str, is_stopped: bool) -> None:
        visitor = house.stranger()
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(visitor.ask, directive)
            if is_stopped:
                time.sleep(0.3)
                visitor.stop()
            assert reply.result(60).status in (200, 413, 422, 503)

    before = len(house.books.attempts())
    with watching(house.books, house.fake), ThreadPoolExecutor(40) as pool:
        list(pool.map(ask, directives, stops))
    house.books.audit(house.fake)
    rows = house.books.attempts()[before:]
    assert {row.basis for row in rows} == {"usage", "estimate", "reservation", "nothing"}
    assert len(rows) > len(directives), "some were tried again"


def test_a_reply_may_be_stopped_at_any_event_by_any_worker(house: House) -> None:
    tokens = 100
    said = f"tokens {tokens}; delay 25; hold 60; overrun {UNHEARD_TOKENS}; cached 5; reasoning 50; first 0.2"

    def stop_after(events: int) -> tuple[str, float]:
        """Or, where several tokens come in one event, after as many of these."""
        visitor = house.stranger()
        stream = read_events(visitor.post(visitor.body(f"{visitor.chat} [fake: {said}]")))
        heard = takewhile(lambda event: int(event.id or 0) < len("tok ") * events, stream)
        list(islice(heard, events))
        began = time.time()
        assert visitor.stop().status == 202
        list(stream)
        return visitor.chat, began

    def stop_before(directive: str) -> tuple[str, float]:
        visitor = house.stranger()
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(visitor.say, f"{visitor.chat} [fake: {directive}]")
            wait_for(lambda: calls_of(house.fake, visitor.chat), PATIENCE_S)
            began = time.time()
            assert visitor.stop().status == 202
            reply.result(PATIENCE_S)
        return visitor.chat, began

    with ThreadPoolExecutor(24) as pool:
        early = [pool.submit(stop_before, each) for each in ("stall", "stall-first", "stall-created")]
        stops = [*pool.map(stop_after, [*range(20), 30, 40, 50, 55]), *(each.result() for each in early)]
    house.books.audit(house.fake)
    for chat, began in stops:
        (call,), (row,) = calls_of(house.fake, chat), house.books.attempts(chat=chat)
        assert row.outcome == "stopped" and row.basis in ("estimate", "reservation")
        assert house.fake.wait(lambda call=call: call.outcome)
        assert call.outcome == "closed" and (call.closed_at or 0) > began


def test_reasoning_that_is_hidden_behind_a_summary_of_it_is_charged_too(house: House) -> None:
    """It goes on while the visitor reads the summary, and is billed in full where the answer then breaks off."""
    shown = "summary First I think." if house.api == "responses" else "reasoning-text First I think."
    for fault in ("cut 2", "bad-json 0"):
        visitor = house.stranger()
        visitor.say(f"{visitor.chat} [fake: {shown}] [fake: reasoning 250; first 1.2; {fault}]")
        (row,) = house.books.attempts(chat=visitor.chat)
        assert (
            row.outcome == "broken" and row.output_tokens >= calls_of(house.fake, visitor.chat)[0].usage.output >= 250
        )


def test_an_answer_as_long_as_it_may_be_costs_no_more_than_was_held_for_it(house: House) -> None:
    """Its server tells no usage, and its bytes could be any number of tokens."""
    visitor = house.stranger()
    assert visitor.ask("tokens 600; no-usage").status == 200
    (row,) = house.books.attempts(chat=visitor.chat)
    assert (row.basis, row.output_tokens) == ("estimate", 512) and row.cost_nano <= row.held_nano


def test_a_key_revoked_under_load_costs_nothing_and_each_attempt_has_its_row(house: House) -> None:
    before, began = len(house.fake.calls), db.now_ms()
    with crowd(house.served, 40, "tokens 10; delay 10") as visitors, watching(house.books, house.fake):
        wait_for(lambda: len(visitors.replies) > 40, PATIENCE_S)
        house.fake.revoke(house.fake.key)
        wait_for(lambda: house.fake.calls[-1].key == house.standby, PATIENCE_S)
        replies = visitors.leave()
    house.books.audit(house.fake)
    replies = [reply for reply in replies if reply.problem.get("code") != "busy"]  # not let in, by a busy machine
    assert set(kinds(replies)) == {"200"}
    calls = {call.request_id: call for call in house.fake.calls[before:]}
    rows = {row.request_id: row for row in house.books.attempts() if row.request_id in calls}
    assert len(calls) > len(replies), "some were refused, and asked again"
    for call in (call for call in calls.values() if call.status == 200):
        assert rows[call.request_id].key_fingerprint == fingerprint(call.key)
    attempts = [row for row in house.books.attempts() if row.started_at >= began]
    refused = [row for row in attempts if row.basis == "nothing" and row.outcome == "unavailable"]
    assert len(refused) >= len(calls) - len(replies)
    assert {row.key_fingerprint for row in refused} == {fingerprint(house.fake.key)}


def test_each_attempt_of_a_reply_has_a_row_with_its_key_request_outcome_and_times(house: House) -> None:
    visitor, began = house.stranger(), db.now_ms()
    reply = visitor.ask("error server_is_overloaded; retry-after 0.3; times 1; first 0.2; tokens 9; cached 4")
    assert reply.status == 200
    first, second = house.books.attempts(chat=visitor.chat)
    failed, made = calls_of(house.fake, visitor.chat)
    assert (first.outcome, second.outcome, second.basis) == ("busy", "complete", "usage")
    assert first.message == second.message == reply.message_id and first.visitor == second.visitor
    assert second.request_id == made.request_id and first.id != second.id
    assert first.key_fingerprint == fingerprint(failed.key) and second.key_fingerprint == fingerprint(made.key)
    assert (second.input_tokens, second.cached_tokens, second.output_tokens) == (made.usage.input, 4, 9)
    assert first.first_ms is None and second.first_ms >= 200
    assert began <= first.started_at <= first.ended_at <= second.started_at < second.ended_at <= db.now_ms()
    assert second.started_at - first.started_at >= 300, "it waited as long as it was told"
    assert reply.chunk("finish")["messageMetadata"]["cost"] == (first.cost_nano + second.cost_nano) / 1e9


@pytest.mark.usefixtures("one_day")
def test_a_change_of_a_cap_counts_for_the_very_next_call(house: House) -> None:
    for budget in ("site/day", "site/month", "visitor/day"):
        visitor = house.stranger()
        assert visitor.ask("tokens 2").status == 200
        calls = len(house.fake.calls)
        switches.set_cap(house.books.engine, budget, 100, "test")
        lowered = [visitor.ask("tokens 2") for _ in range(4)]
        switches.set_cap(house.books.engine, budget, 0, "test")
        closed = [visitor.ask("tokens 2") for _ in range(4)]
        assert kinds(lowered + closed) == {"429 budget_spent": 8} and len(house.fake.calls) == calls
        assert all(reply.problem["retry_after"] > 5 for reply in lowered), "when it resets"
        assert all("retry_after" not in reply.problem for reply in closed), "nobody knows when"
        house.books.give(PLENTY if budget != "visitor/day" else None, budget)
        assert visitor.ask("tokens 2").status == 200


def test_a_cap_lowered_under_load_lets_nobody_begin_any_more(house: House) -> None:
    with crowd(house.served, 40, "tokens 10; delay 5") as visitors:
        wait_for(lambda: len(visitors.replies) > 40, PATIENCE_S)
        switches.set_cap(house.books.engine, "site/day", 0, "test")
        lowered = db.now_ms()
        wait_for(lambda: kinds(visitors.replies[-40:]) == {"429 budget_spent": 40}, PATIENCE_S)
        house.books.settle()
    assert max(row.started_at for row in house.books.attempts()) <= lowered


def test_once_a_pause_holds_no_call_is_begun_and_with_now_all_replies_end(house: House) -> None:
    long = [house.stranger() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool, crowd(house.served, 40, "tokens 10; delay 5") as visitors:
        under_way = [pool.submit(each.ask, "tokens 500; delay 100; hold 9") for each in long]
        wait_for(lambda: all(calls_of(house.fake, each.chat) for each in long), PATIENCE_S)
        paused = house.pause()
        wait_for(lambda: kinds(visitors.replies[-40:]) == {"503 paused": 40}, PATIENCE_S)
        visitors.leave()
        assert max(row.started_at for row in house.books.attempts()) <= paused * 1000
        assert max(call.at for call in house.fake.calls) < paused + PATIENCE_S
        assert long[0].get("/api/me").json()["mode"] == "paused" and long[0].get("/readyz").status == 503
        assert not any(each.done() for each in under_way), "those under way may finish"
        house.pause(stops_replies=True)
        replies = [each.result() for each in under_way]
    assert all(reply.types[-1] == "abort" for reply in replies)
    for call in (call for each in long for call in calls_of(house.fake, each.chat)):
        assert house.fake.wait(lambda call=call: call.outcome)
        assert call.outcome == "closed"
    house.resume()
    assert house.stranger().ask("tokens 2").status == 200
    assert long[0].get("/api/me").json()["mode"] == "live" and long[0].get("/readyz").status == 200


def test_a_call_that_waited_for_the_ledger_while_a_pause_was_set_is_not_made(house: House) -> None:
    visitors = [house.stranger() for _ in range(8)]
    calls = len(house.fake.calls)
    with ThreadPoolExecutor(8) as pool:
        with db.writing(house.books.engine) as connection:
            connection.execute(text("UPDATE budgets SET spent = spent"))
            asked = [pool.submit(each.ask, "tokens 2") for each in visitors]
            time.sleep(1)
            house.pause()
        replies = [each.result() for each in asked]
    assert kinds(replies) == {"503 paused": 8}
    assert len(house.fake.calls) == calls


@pytest.mark.parametrize("code", QUOTA_CODES)
def test_money_that_has_run_out_at_openai_is_asked_for_once_and_pauses_everybody(house: House, code: str) -> None:
    visitor, other = house.stranger(), house.stranger()
    calls = len(house.fake.calls)
    reply = visitor.ask(f"error {code}")
    assert (reply.status, reply.problem["code"]) == (503, "unavailable")
    replies = in_threads(*[lambda each=each: each.ask("tokens 2") for each in (visitor.twin(), other, other.twin())])
    assert kinds(replies) == {"503 paused": 3}
    assert len(house.fake.calls) == calls + 1
    assert all(0 < reply.problem["retry_after"] <= 600 for reply in replies)
    assert other.get("/api/me").json()["mode"] == "paused"
    ready = other.get("/readyz")
    assert (ready.status, ready.json()["reason"]) == (503, "paused")
    house.resume()
    assert other.ask("tokens 2").status == 200


def test_of_many_questions_at_once_a_visitor_gets_two_answered(house: House) -> None:
    visitor = house.stranger()
    twins = [visitor.twin() for _ in range(16)]
    refused: list[Reply] = []

    def ask(twin: Stranger) -> Reply:
        reply = twin.ask("tokens 400; hold 9")
        if reply.status != 200:
            refused.append(reply)
        return reply

    with ThreadPoolExecutor(16) as pool:
        replies = [pool.submit(ask, each) for each in twins]
        wait_for(lambda: len(refused) == 14, PATIENCE_S, "14 refused")
        wait_for(lambda: sum(bool(calls_of(house.fake, twin.chat)) for twin in twins) == 2, PATIENCE_S)
        house.fake.go_on()
        answered = [reply for reply in (each.result() for each in replies) if reply.status == 200]
    assert len(answered) == 2
    assert kinds(refused) == {"429 rate_limited": 14} and all(reply.problem["retry_after"] for reply in refused)
    house.books.settle()
    assert visitor.ask("tokens 2").status == 200


@dataclass
class Crash:
    """Workers that were killed under load: what they held, and a visitor who had two answers under way there."""

    dead: list[Any]
    busy: Stranger
    refused: Reply


@pytest.fixture(scope="module")
def crash(shared: House) -> Crash:
    """Kill -9 of every worker at once, in the middle of replies; then half a minute passes for what they left."""
    shared.books.give(PLENTY)
    visitors = [shared.stranger() for _ in range(30)]
    busy = shared.stranger()
    asking = [*visitors, busy.twin(), busy.twin()]
    threads = [threading.Thread(target=ask_in_vain, args=(each,), daemon=True) for each in asking]
    for thread in threads:
        thread.start()
    wait_for(lambda: all(calls_of(shared.fake, each.chat) for each in asking), PATIENCE_S)
    killed = shared.served.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    killed_at = db.now_ms()
    shared.books.bury(killed_at, -AGES_MS)  # or they would be found while the next ones begin, on a busy machine
    for thread in threads:
        thread.join(PATIENCE_S)
    wait_for(lambda: len(set(shared.served.workers()) - set(killed)) == WORKERS, PATIENCE_S)
    wait_for(lambda: shared.served.visitor().get("/readyz").status == 200, PATIENCE_S)
    refused = busy.ask("tokens 2")
    dead = shared.books.bury(killed_at + AGES_MS, AGES_MS + 30_000)
    shared.books.settle()
    return Crash(dead, busy, refused)


def test_workers_that_were_only_asleep_book_nothing_twice(house: House) -> None:
    """Others thought them dead, and charged their calls in full; then their replies end after all."""
    first, second = [house.stranger() for _ in range(6)], [house.stranger() for _ in range(6)]
    workers = house.served.workers()
    here, there = workers[: WORKERS // 2], workers[WORKERS // 2 :]

    def ask(visitors: list[Stranger]) -> list[Future[Reply]]:
        asked = [pool.submit(each.ask, "tokens 100; hold 50") for each in visitors]
        wait_for(lambda: all(calls_of(house.fake, each.chat) for each in visitors), PATIENCE_S)
        return asked

    with ThreadPoolExecutor(12) as pool:
        with asleep(house, there):
            under_way = ask(first)
        with asleep(house, here):
            slept_at = db.now_ms()
            under_way += ask(second)
            dead = house.books.bury(slept_at)
            awake = {each.chat for each in second}
            wait_for(lambda: {held.chat for held in house.books.holds()} == awake, PATIENCE_S)
        house.fake.go_on()
        assert kinds([each.result() for each in under_way]) == {"200": 12}
    house.books.settle()
    rows = {row.id: row for row in house.books.attempts() if row.chat in {each.chat for each in (*first, *second)}}
    assert len(rows) == 12 and {held.chat for held in dead} == {each.chat for each in first}
    for held in dead:
        assert (rows[held.id].outcome, rows[held.id].cost_nano) == ("crashed", held.nano)


@contextmanager
def asleep(house: House, workers: list[int]) -> Iterator[None]:
    """These sleep, and not while they have a lock that others wait for."""
    try:
        while True:
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in workers))
            with suppress(OperationalError), db.writing(house.books.engine) as connection:
                connection.execute(text("UPDATE budgets SET spent = spent"))
                connection.execute(text("UPDATE reservations SET nano = nano"))
                connection.execute(text("UPDATE messages SET status = status WHERE status = 'streaming'"))
                break
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


def ask_in_vain(visitor: Stranger) -> None:
    with suppress(OSError, http.client.HTTPException):  # the connection breaks
        visitor.ask("tokens 400; delay 100; hold 50")


def test_what_killed_workers_had_under_way_is_charged_in_full_and_once(house: House, crash: Crash) -> None:
    assert len(crash.dead) == 32
    for held in crash.dead:
        (row,), (call,) = house.books.attempts(chat=held.chat), calls_of(house.fake, held.chat)
        assert (row.id, row.outcome, row.basis) == (held.id, "crashed", "reservation")
        assert row.cost_nano == row.held_nano == held.nano and call.billed


def test_the_places_of_killed_replies_come_free(house: House, crash: Crash) -> None:
    assert (crash.refused.status, crash.refused.problem["code"]) == (429, "rate_limited")
    assert crash.busy.ask("tokens 2").status == 200


def fingerprint(key: str) -> str:
    return Key(key, "tests", Signer(SECRET)).fingerprint
