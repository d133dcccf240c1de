"""How much of a chat is sent: the newest turns that fit, beginning with a question, the last question always."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chats.context import TURN_TOKENS, estimate_tokens, fit

WORDS = st.text(alphabet="ab é日🎉\n", max_size=60)


def chat(questions: list[str], answers: list[str]) -> list[tuple[str, str]]:
    """Questions and answers in turn; the last question has no answer yet."""
    turns = []
    for position, question in enumerate(questions):
        turns.append(("user", question))
        if position < len(questions) - 1:
            turns.append(("assistant", answers[position % len(answers)]))
    return turns


def size(turns: list[tuple[str, str]]) -> int:
    return sum(estimate_tokens(text) + TURN_TOKENS for _, text in turns)


def test_a_chat_that_fits_is_sent_whole() -> None:
    turns = chat(["one", "two", "three"], ["yes"])
    assert fit("system", turns, 1000) == (turns, 0)


def test_the_oldest_turns_are_left_out_first() -> None:
    turns = chat(["a" * 30, "b" * 30, "c" * 30], ["x" * 30])
    kept, left_out = fit("", turns, size(turns[2:]))
    assert (kept, left_out) == (turns[2:], 2)


def test_what_is_sent_begins_with_a_question() -> None:
    turns = chat(["a" * 30, "b" * 30], ["x" * 30])
    kept, left_out = fit("", turns, size(turns[1:]))
    assert (kept, left_out) == (turns[2:], 2)


def test_the_system_prompt_counts() -> None:
    turns = chat(["a" * 30, "b" * 30], ["x" * 30])
    assert fit("", turns, size(turns))[1] == 0
    assert fit("s" * 30, turns, size(turns))[1] == 2


@pytest.mark.parametrize("tokens", [0, 1, 5])
def test_the_question_is_sent_even_where_it_alone_is_too_long(tokens: int) -> None:
    turns = chat(["a", "b" * 3000], ["x"])
    assert fit("system", turns, tokens) == (turns[-1:], 2)


def test_the_estimate_counts_bytes_and_takes_half_a_character() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("abc") == 1
    assert estimate_tokens("日本") == 2
    assert estimate_tokens("🎉") == 2
    assert estimate_tokens("\ud83d") == 1


@given(st.lists(WORDS, min_size=1, max_size=8), st.lists(WORDS, min_size=1, max_size=3), st.integers(0, 200))
def test_whatever_the_chat_its_newest_turns_are_sent_within_the_bound(
    questions: list[str], answers: list[str], tokens: int
) -> None:
    turns = chat(questions, answers)
    kept, left_out = fit("be kind", turns, tokens)
    assert kept == turns[left_out:]
    assert kept[0][0] == "user"
    assert kept[-1] == turns[-1]
    if len(kept) > 1:
        assert size(kept) + estimate_tokens("be kind") <= tokens
    if left_out:
        pair = turns[left_out - 2 :]
        assert size(pair) + estimate_tokens("be kind") > tokens, "two more turns would have fitted"
