"""What an attempt is charged: exactly by its usage or, without one, never less than what OpenAI may bill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import load_settings
from chatbot.errors import Broken, Busy, Problem
from chatbot.model.events import Usage
from chatbot.model.faults import problem_of_class, problem_of_code, problem_of_status
from chatbot.money import charge as charge_module
from chatbot.money.charge import UNHEARD_TOKENS, Attempt, Charge, charge
from chatbot.money.prices import Prices

MODEL, INPUT, OUTPUT = "gpt-6-luna", 1_000, 2_000
PRICES = Prices(load_settings(_env_file=None))
WHOLE = PRICES.worst_nano(MODEL, INPUT, OUTPUT)


def charged(attempt: Attempt) -> Charge:
    return charge(PRICES, MODEL, attempt, INPUT, OUTPUT)


def status(number: int, code: str = "", kind: str = "") -> Problem:
    return problem_of_status(number, code, kind, {}, "")


def test_usage_that_was_told_is_charged_exactly_even_above_what_was_held() -> None:
    usage = Usage(input=900, cached=100, output=5_000)
    assert charged(Attempt(usage=usage)) == Charge("usage", usage, PRICES.cost_nano(MODEL, usage))
    assert charged(Attempt(usage=usage)).nano > WHOLE


@pytest.mark.parametrize("usage", [Usage(), Usage(output=5), Usage(input=5)])
def test_a_usage_that_cannot_be_true_counts_as_none(usage: Usage) -> None:
    attempt = Attempt(usage=usage)
    attempt.hear("A text that was delivered.")
    assert charged(attempt).basis == "estimate" and charged(attempt).nano > PRICES.worst_nano(MODEL, INPUT, 0)


def test_a_call_that_crashed_is_charged_all_that_was_held() -> None:
    assert charged(Attempt()) == Charge("reservation", Usage(input=INPUT, output=OUTPUT), WHOLE)


def test_an_answer_that_broke_off_is_charged_the_held_input_and_each_byte_of_its_text() -> None:
    attempt = Attempt(charged=Broken.charged)
    attempt.hear("Grüße, 世界")
    attempt.silent_s = 0.0
    made = len("Grüße, 世界".encode()) + UNHEARD_TOKENS
    assert charged(attempt).usage == Usage(input=INPUT, output=made)
    assert charged(attempt).nano == PRICES.worst_nano(MODEL, INPUT, made)


def test_reasoning_that_nobody_saw_is_charged_by_the_time_it_took() -> None:
    quick, slow = Attempt(), Attempt()
    for attempt, silent_s in ((quick, 0.0), (slow, 2.0)):
        attempt.hear("Hello")
        attempt.silent_s = silent_s
    assert charged(slow).usage.output - charged(quick).usage.output == 500


def test_an_answer_is_never_charged_more_output_than_it_was_allowed() -> None:
    attempt = Attempt()
    attempt.hear("x" * (OUTPUT + 1))
    assert charged(attempt).usage.output == OUTPUT


def test_a_server_that_ignores_the_bound_is_charged_for_what_it_sent() -> None:
    attempt = Attempt()
    attempt.hear("x" * 30_000)
    assert charged(attempt).usage.output == 30_000


def test_every_silence_counts_also_the_one_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(charge_module.time, "monotonic", lambda: now)
    attempt = Attempt(heard_at=now)
    for gap_s, text in ((3.0, "Let me think."), (0.5, " So,"), (60.0, " and"), (5.0, "")):
        now += gap_s
        attempt.hear(text)
    assert attempt.silent_s == 68.0
    failed = Attempt(charged=problem_of_code("server_error").charged, heard_at=now)
    now += 4.0
    failed.hear("")
    assert charged(failed).usage == Usage(input=INPUT, output=1_000)


@pytest.mark.parametrize(
    ("problem", "basis"),
    [
        (status(401, "invalid_api_key"), "nothing"),
        (status(429, "rate_limit_exceeded"), "nothing"),
        (status(429, "insufficient_quota"), "nothing"),
        (status(400, "context_length_exceeded"), "nothing"),
        (status(404, "model_not_found"), "nothing"),
        (status(500), "estimate"),
        (status(500, "", "server_error"), "nothing"),
        (status(503, "server_is_overloaded", "service_unavailable_error"), "nothing"),
        (status(408), "reservation"),
        (status(504), "reservation"),
        (problem_of_code("context_length_exceeded"), "estimate"),
        (problem_of_code("insufficient_quota"), "estimate"),
        (problem_of_code("server_error"), "estimate"),
        (problem_of_code("nobody_knows_it"), "reservation"),
        (Broken(cause="the stream was cut"), "reservation"),
        (Busy(), "reservation"),
    ],
)
def test_a_failure_before_any_text_is_charged_by_what_may_have_been_done(problem: Problem, basis: str) -> None:
    made = charged(Attempt(charged=problem.charged))
    assert made.basis == basis
    assert made.nano == {"nothing": 0, "estimate": PRICES.worst_nano(MODEL, INPUT, 0), "reservation": WHOLE}[basis]


def connection_error(cause: str) -> Exception:
    error = type("APIConnectionError", (Exception,), {})()
    error.__cause__ = Exception(cause)
    return error


@pytest.mark.parametrize(("cause", "basis"), [("NewConnectionError", "nothing"), ("ProtocolError", "reservation")])
def test_a_call_that_was_never_sent_costs_nothing_and_one_that_was_may_cost_all(cause: str, basis: str) -> None:
    assert charged(Attempt(charged=problem_of_class(connection_error(cause)).charged)).basis == basis


@given(text=st.text(min_size=1, max_size=3_000), bound=st.integers(16, 4_000))
def test_no_estimate_is_below_a_token_for_every_character_that_was_delivered(text: str, bound: int) -> None:
    attempt = Attempt(charged=Broken.charged)
    attempt.hear(text)
    made = charge(PRICES, MODEL, attempt, INPUT, bound)
    assert made.usage.output >= min(len(text), bound)
    assert made.nano >= PRICES.cost_nano(MODEL, Usage(input=INPUT, cache_write=INPUT, output=min(len(text), bound)))
