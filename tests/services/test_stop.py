"""Stop means stop, from wherever it is asked: the upstream is let go within a second, what came is kept and booked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import pytest

from chatbot.db import now_ms
from chatbot.money import switches
from chatbot.money.switches import Pause
from tests.conftest import Served, serving, wait_for, wait_until_ready
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S, Books, calls_of, in_threads, new_database
from tests.visitor import Reply, Visitor, read_events

pytestmark = pytest.mark.alone

TRIES, AT_ONCE = 20, 5
SLOW = "[fake: tokens 400; delay 20]"


@dataclass
class Machines:
    """Two on one PostgreSQL: one with a single worker, one with two; their books, and their OpenAI."""

    single: Served
    double: Served
    books: Books
    fake: FakeOpenAI

    def visitors(self, here: Served, there: Served) -> tuple[Visitor, Visitor]:
        """One visitor at both, in the same chat."""
        one, other = here.visitor(), there.visitor()
        assert one.get("/api/me").status == 200
        other.cookie, other.chat = one.cookie, one.chat
        return one, other


@pytest.fixture(scope="module")
def machines(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with FakeOpenAI() as fake, serving(tmp_path_factory.mktemp("stop")) as start:
        variables = {**fake.env, "SECRET_KEY": SECRET, "DATABASE_URL": new_database(postgres_url)}
        servers = [start(wait=False, **variables, WEB_CONCURRENCY=workers) for workers in (1, 2)]
        for served in servers:
            wait_until_ready(served)
        books = Books(servers[0])
        yield Machines(servers[0], servers[1], books, fake)
        books.audit(fake)
        books.close()


def check_stopped(machines: Machines, visitor: Visitor, reply: Reply) -> None:
    """The listener was told, and what was heard is what is kept and what was paid for, once."""
    (call,), (row,) = calls_of(machines.fake, visitor.chat), machines.books.attempts(chat=visitor.chat)
    assert reply.types[-1] == "abort" and reply.is_done and reply.chunk("abort")["reason"] == "stopped"
    answer = visitor.stored()["messages"][-1]
    assert answer["metadata"]["status"] == row.outcome == "stopped"
    assert answer["parts"][-1]["text"] == reply.text and call.text.startswith(reply.text)
    bill = {line.number: line.nano_dollars for line in machines.fake.bill().lines}
    assert row.cost_nano >= bill.get(call.number, 0)


@pytest.mark.parametrize(
    ("asked", "stopped"),
    [("single", "single"), ("double", "double"), ("single", "double")],
    ids=["another tab", "another worker or the same", "another machine"],
)
def test_the_upstream_is_let_go_within_a_second(machines: Machines, asked: str, stopped: str) -> None:
    def take(number: int) -> float:
        here, there = machines.visitors(getattr(machines, asked), getattr(machines, stopped))
        response = here.post(here.body(f"{here.chat} {SLOW}"))
        events = read_events(response)
        head = list(islice(events, 2 + number))
        began = time.time()
        assert there.stop().status == 202
        reply = Reply(200, response.headers, [*head, *events])
        (call,) = calls_of(machines.fake, here.chat)
        assert machines.fake.wait(lambda: call.closed_at)
        check_stopped(machines, here, reply)
        return (call.closed_at or 0) - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        took_s = sorted(pool.map(take, range(TRIES)))
    assert took_s[TRIES * 9 // 10] < 1, took_s


def test_a_reply_is_stopped_from_another_machine_before_its_first_event(machines: Machines) -> None:
    for directive in ("stall 30", "stall-first 30", "stall-created 30"):
        here, there = machines.visitors(machines.single, machines.double)
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(here.say, f"{here.chat} [fake: {directive}]")
            wait_for(lambda here=here: calls_of(machines.fake, here.chat), PATIENCE_S)
            began = time.time()
            assert there.stop().status == 202
            reply = asking.result(PATIENCE_S)
        (call,) = calls_of(machines.fake, here.chat)
        assert machines.fake.wait(lambda call=call: call.closed_at) and (call.closed_at or 0) - began < 3
        check_stopped(machines, here, reply)
        assert reply.text == "" and there.say("And now?").types[-1] == "finish", "the chat goes on"


def test_a_pause_that_must_be_now_lets_every_upstream_go_within_a_second(machines: Machines) -> None:
    visitors = [served.visitor() for served in (machines.single, machines.double) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(len(visitors)) as pool:
        asked = [pool.submit(each.say, f"{each.chat} [fake: tokens 9; hold 4]") for each in visitors]
        wait_for(lambda: all(calls_of(machines.fake, each.chat) for each in visitors), PATIENCE_S)
        began = now_ms()
        switches.pause(machines.books.engine, Pause("a test", "desk", began, stops_replies=True))
        assert {each.result().types[-1] for each in asked} == {"abort"}
    switches.resume(machines.books.engine, "desk")
    assert machines.fake.wait_idle()
    closed_at = sorted(call.closed_at or 0 for each in visitors for call in calls_of(machines.fake, each.chat))
    assert closed_at[len(visitors) * 9 // 10 - 1] * 1000 - began < 1000, closed_at


def test_many_stops_at_once_are_one(machines: Machines) -> None:
    here, there = machines.visitors(machines.single, machines.double)
    response = here.post(here.body(f"{here.chat} {SLOW}"))
    events = read_events(response)
    head = list(islice(events, 6))
    answers = in_threads(*[visitor.stop for visitor in (here, there)] * 4)
    assert [answer.status for answer in answers] == [202] * 8
    reply = Reply(200, response.headers, [*head, *events])
    assert machines.fake.wait_idle()
    check_stopped(machines, here, reply)
    assert there.say(f"{here.chat} again [fake: tokens 3]").text == "tok " * 3, "a late stop does not hit the next one"


def test_a_stop_of_what_is_not_live_changes_nothing(machines: Machines) -> None:
    here, there = machines.visitors(machines.single, machines.double)
    here.say("Hello")
    before = here.stored()
    assert here.stop().status == there.stop().status == 202
    assert here.stored() == before


def test_nobody_stops_anothers_reply(machines: Machines) -> None:
    here, _ = machines.visitors(machines.single, machines.double)
    response = here.post(here.body(f"{here.chat} [fake: tokens 30; delay 20]"))
    for served in (machines.single, machines.double):
        stranger = served.visitor()
        assert stranger.stop(here.chat).status == stranger.stop("no-such-chat").status == 404
    reply = Reply(200, response.headers, list(read_events(response)))
    assert (reply.text, reply.types[-1]) == ("tok " * 30, "finish")
