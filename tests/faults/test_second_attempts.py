"""What is tried again: once, before the first byte, where waiting helps; with fewer turns, if the chat is too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.fake_openai_parts.reply import messages
from tests.faults.asked import answer_of, rows
from tests.faults.conftest import APIS
from tests.visitor import Visitor


@pytest.fixture(scope="module", params=APIS)
def house(request: pytest.FixtureRequest, folder: Callable[[str], object]) -> Iterator[tuple[Served, FakeOpenAI]]:
    with FakeOpenAI() as fake, serving(folder("second")) as start:  # type: ignore[arg-type]
        yield start(**fake.env, OPENAI_API=APIS[request.param]), fake


@pytest.fixture
def fake(house: tuple[Served, FakeOpenAI]) -> FakeOpenAI:
    house[1].reset()
    return house[1]


@pytest.fixture
def visitor(house: tuple[Served, FakeOpenAI]) -> Visitor:
    return house[0].visitor()


def sent(fake: FakeOpenAI, number: int = -1) -> list[str]:
    """The texts of a call, without the system prompt."""
    call = fake.calls[number]
    return [text for role, text in messages(call.api, call.body) if role != "system"]


@pytest.mark.parametrize(
    "directive",
    ["status 500", "error rate_limit_exceeded", "reset-connection", "error server_is_overloaded; retry-after none"],
)
def test_a_fault_that_passes_is_not_noticed(fake: FakeOpenAI, visitor: Visitor, directive: str) -> None:
    reply = visitor.say(f"Hello [fake: {directive}; times 1]")
    assert reply.types[-1] == "finish"
    assert reply.text == fake.calls[-1].text
    assert len(fake.calls) == 2


def test_a_refused_connection_is_tried_once_more_and_then_told(
    house: tuple[Served, FakeOpenAI], fake: FakeOpenAI, visitor: Visitor
) -> None:
    with fake.down():
        reply = visitor.say("Hello")
    assert (reply.status, reply.problem["code"]) == (503, "busy")
    assert int(reply.headers["Retry-After"]) >= 1
    assert fake.calls == []
    wait_for(lambda: "no connection (APIConnectionError NewConnectionError)" in house[0].log)
    assert visitor.say("Again").types[-1] == "finish", "the next message finds it back"


def test_a_refusal_for_another_reason_does_not_take_parameters_away(fake: FakeOpenAI, visitor: Visitor) -> None:
    assert visitor.say("Hello [fake: status 400]").status == 503
    assert visitor.say("Hello").types[-1] == "finish"
    assert {"store", "safety_identifier", "prompt_cache_key"} <= set(fake.calls[-1].body)


def test_a_stop_between_two_attempts_cuts_nobody_elses_reply(
    house: tuple[Served, FakeOpenAI], fake: FakeOpenAI, visitor: Visitor
) -> None:
    """The first attempt's connection is back in the pool by then, and may be another visitor's."""
    visitor.say("Hello")
    fake.reset()
    others = [house[0].visitor() for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        failing = pool.submit(visitor.say, "Hello [fake: error rate_limit_exceeded; retry-after 5]")
        assert fake.wait(lambda: fake.calls and fake.calls[0].ended_at)
        streams = [pool.submit(other.say, "Hello [fake: tokens 60; hold 5]") for other in others]
        assert fake.wait(lambda: len(fake.calls) == 4 and all(call.pieces for call in fake.calls[1:]))
        assert visitor.stop().status == 202
        assert failing.result(30).types[-1] == "abort"
        fake.go_on()
        assert [stream.result(60).types[-1] for stream in streams] == ["finish"] * 3
    assert len(fake.calls) == 4


def test_one_who_would_wait_long_is_told_at_once(fake: FakeOpenAI, visitor: Visitor) -> None:
    reply = visitor.say("Hello [fake: error rate_limit_exceeded; retry-after 90]")
    assert (reply.problem["code"], reply.headers["Retry-After"]) == ("busy", "90")
    assert len(fake.calls) == 1


def test_a_refused_key_makes_the_server_unready_until_an_answer_comes(
    house: tuple[Served, FakeOpenAI], fake: FakeOpenAI, visitor: Visitor
) -> None:
    fake.revoke(fake.key)
    assert visitor.say("Hello").problem["code"] == "unavailable"
    ready = visitor.get("/readyz")
    assert (ready.status, "key" in ready.json()["reason"]) == (503, True)
    fake.restore(fake.key)
    assert visitor.say("Hello").types[-1] == "finish"
    assert visitor.get("/readyz").status == 200


def test_a_question_that_failed_can_be_answered_again(fake: FakeOpenAI, visitor: Visitor) -> None:
    assert visitor.say("Hello [fake: error model_not_found; times 1]").status == 503
    reply = visitor.say("", trigger="regenerate-message")
    assert reply.types[-1] == "finish"
    assert sent(fake) == ["Hello [fake: error model_not_found; times 1]"]


@pytest.mark.parametrize("directive", ["error context_length_exceeded", "too-long 0"])
def test_a_chat_that_is_too_long_for_the_model_loses_its_oldest_turns(
    house: tuple[Served, FakeOpenAI], fake: FakeOpenAI, visitor: Visitor, directive: str
) -> None:
    for number in range(4):
        assert visitor.say(f"Question {number} " + "x" * 600).types[-1] == "finish"
    whole = sent(fake)
    fake.fault(directive, times=2)
    reply = visitor.say("And now?")
    assert reply.types[-1] == "finish"
    assert len(whole) == 7
    assert len(sent(fake, -3)) == 9, "first it is sent whole"
    assert len(sent(fake, -3)) > len(sent(fake, -2)) > len(sent(fake)) >= 1
    assert sent(fake)[-1] == "And now?"
    assert sent(fake) == sent(fake, -3)[-len(sent(fake)) :]
    left_out = 9 - len(sent(fake))
    assert reply.chunk("finish")["messageMetadata"]["leftOut"] == left_out
    assert answer_of(house[0], visitor.chat)["left_out"] == left_out
    assert visitor.stored()["messages"][-1]["metadata"]["leftOut"] == left_out


def test_a_chat_too_long_by_the_models_own_count_is_shortened_until_it_fits(fake: FakeOpenAI, visitor: Visitor) -> None:
    for number in range(4):
        visitor.say(f"Question {number} " + "x" * 600)
    fake.context_tokens = 400
    try:
        reply = visitor.say("And now?")
    finally:
        fake.context_tokens = 1_050_000
    assert reply.types[-1] == "finish"
    assert reply.chunk("start")["messageMetadata"]["leftOut"] == 9 - len(sent(fake))


def test_a_question_too_long_by_itself_is_told_after_one_call(fake: FakeOpenAI, visitor: Visitor) -> None:
    fake.context_tokens = 100
    try:
        reply = visitor.say("x" * 4000)
    finally:
        fake.context_tokens = 1_050_000
    assert (reply.status, reply.problem["code"]) == (413, "too_long")
    assert len(fake.calls) == 1


def test_a_chat_that_is_too_long_after_its_first_words_is_told_and_keeps_them(
    house: tuple[Served, FakeOpenAI], fake: FakeOpenAI, visitor: Visitor
) -> None:
    visitor.say("First")
    fake.fault("too-long 3")
    reply = visitor.say("Second")
    assert reply.types[-2:] == ["data-problem", "error"]
    assert reply.text == fake.calls[-1].text != ""
    assert len(fake.calls) == 2
    query = "SELECT status FROM messages WHERE chat = ? AND role = 'assistant' ORDER BY created_at"
    statuses = rows(house[0], query, visitor.chat)
    assert [row["status"] for row in statuses] == ["complete", "failed"]
