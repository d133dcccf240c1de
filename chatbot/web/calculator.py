"""What the guide's cost calculator is told beside the prices: this site's bounds, its worst cases, a worked example."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from chatbot.chats.worst_case import worst_case
from chatbot.config import Settings
from chatbot.model.events import Usage
from chatbot.money.budgets import caps
from chatbot.money.prices import Prices, PriceUnknown
from chatbot.money.switches import Switches

TOKENS_PER_WORD = Fraction(4, 3)  # of English
DAYS = 30
NANO = 10**9


class Habits(NamedTuple):
    """What the reader is asked: how this site would be used. `cached` is a percentage of what is sent again."""

    messages: int = 50  # a day
    question: int = 30  # words
    answer: int = 200  # words
    length: int = 5  # questions in a chat
    thinking: int = 0  # tokens of an answer
    cached: int = 0


class Figures(NamedTuple):
    """Nano-dollars; `worst` is of one message, by model. `shown` says in words what the habits cost with the first."""

    max_context_tokens: int
    budget_day: int
    budget_month: int
    worst: dict[str, int]
    habits: Habits
    shown: dict[str, str]


def figures(settings: Settings, models: Sequence[str]) -> Figures:
    """For these models, whose prices are known. Where that of TITLE_MODEL is not, there is no worst case."""
    prices, budgets, habits, worst = Prices(settings), caps(settings, Switches(None, {})), Habits(), {}
    with suppress(PriceUnknown):
        worst = {model: worst_case(_with(settings, model), prices, budgets).message for model in models}
    mean = mean_nano(settings, prices, models[0], habits) if models else Fraction(0)
    day, of_day, of_month = habits.messages * mean, budgets["site/day"], budgets["site/month"]
    shown = {
        "message": dollars(mean),
        "day": dollars(day),
        "month": dollars(DAYS * day),
        "worst": dollars(next(iter(worst.values()), 0)),
        "budget_day": dollars(of_day),
        "budget_month": dollars(of_month),
        "of_day": percent(day, of_day),
        "of_month": percent(DAYS * day, of_month),
    }
    return Figures(settings.max_context_tokens, of_day, of_month, worst, habits, shown)


def _with(settings: Settings, model: str) -> Settings:
    """As if this were the only model."""
    return settings.model_copy(update={"openai_model": model, "openai_models": []})


def mean_nano(settings: Settings, prices: Prices, model: str, habits: Habits) -> Fraction:
    """What a message costs, as the mean of a chat in which each question sends all before it again."""
    asked, told = (math.ceil(words * TOKENS_PER_WORD) for words in (habits.question, habits.answer))
    made = min(told + habits.thinking, settings.max_output_tokens)
    total = 0
    for turn in range(habits.length):
        again = min(turn * (asked + told), settings.max_context_tokens)
        usage = Usage(input=asked + again, cached=again * habits.cached // 100, output=made)
        total += prices.cost_nano(model, usage)
    return Fraction(total, habits.length)


def dollars(nano: Fraction | int) -> str:
    """In cents from a dollar on, else by three digits, as in $0.000213."""
    amount = Decimal(round(nano)) / NANO
    places = 2 if amount >= 1 or not amount else 2 - amount.adjusted()
    return f"${amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def percent(part: Fraction | int, whole: int) -> str:
    """In whole ones, as a half is rounded at school."""
    share = 100 * Fraction(part) / (whole or 1)
    return "Less than 1 %" if 0 < share < 1 else f"{math.floor(share + Fraction(1, 2)):,} %"
