"""A normal day: over two thousand turns, some of them stopped, tried again or cut, the ledger is close to the bill."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.conftest import Served
from tests.fake_openai import FakeOpenAI
from tests.services.money import Books, Stranger
from tests.visitor import new_id, read_events

TURNS = 2000
TURNS_OF_A_VISITOR = 10
TURNS_OF_A_CHAT = 4
STOPPED, RETRIED, CUT = 10, 20, 4
REFUSALS = (
    "error rate_limit_exceeded; retry-after 0.2; times 1",
    "error server_is_overloaded; retry-after 0.2; times 1",
    "error server_error; times 1",
)


def test_over_a_normal_day_the_ledger_is_within_two_percent_of_the_bill(
    serve: Callable[..., Served], fake: FakeOpenAI
) -> None:
    served = serve(**fake.env, WEB_CONCURRENCY=2, TRUSTED_PROXIES=1)
    books = Books(served)
    dice = random.Random(12)
    fates = ["stop"] * STOPPED + ["cut"] * CUT + [REFUSALS[number % len(REFUSALS)] for number in range(RETRIED)]
    fates += [""] * (TURNS - len(fates))
    dice.shuffle(fates)
    lengths = [dice.randint(20, 400) for _ in range(TURNS)]

    def live(first: int) -> None:
        visitor = Stranger(served)
        for turn in range(first, first + TURNS_OF_A_VISITOR):
            if (turn - first) % TURNS_OF_A_CHAT == 0:
                visitor.chat = new_id()
            take_a_turn(visitor, turn, fates[turn], lengths[turn])

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(live, range(0, TURNS, TURNS_OF_A_VISITOR)))
    books.audit(fake)
    bill, cost = fake.bill().nano_dollars, books.cost()
    books.close()
    assert len(fake.calls) == TURNS + RETRIED
    assert bill <= cost <= bill * 1.02, f"{cost / bill:.4f}"


def take_a_turn(visitor: Stranger, turn: int, fate: str, tokens: int) -> None:
    """One question, whose answer comes to what fate has for it."""
    said = f"Question {turn}: " + "what else is there to say? " * 4
    if fate == "stop":
        stream = read_events(visitor.post(visitor.body(f"{said}[fake: tokens {tokens}; delay 10]")))
        for _ in range(2 + tokens // 10):
            next(stream, None)
        assert visitor.stop().status == 202
        list(stream)
        return
    fault = f"cut {tokens // 2}" if fate == "cut" else fate
    reply = visitor.say(f"{said}[fake: tokens {tokens}; one-write; {fault}]")
    assert reply.status == 200, (reply.problem, fault)
