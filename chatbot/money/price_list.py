"""The prices that the guide's calculator offers: those of the models that may be chosen, and of a few others."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

from chatbot.config import Settings
from chatbot.money.prices import Prices, PriceUnknown

# Of OpenAI's models in late 2026, from cheap to dear; one that the package no longer knows is left out.
OTHERS = ("gpt-6-luna", "gpt-5.6-luna", "gpt-6.1-terra", "gpt-6-sol", "gpt-5.6-sol", "gpt-6-astra")


class ListPrice(NamedTuple):
    """Of a model, in dollars per million tokens, as long as the input is not long."""

    name: str
    input: float
    cached: float
    output: float


def price_list(settings: Settings) -> list[ListPrice]:
    """The allowed models first, the default at their head; also where there is no key, and the tutor answers."""
    prices, found = Prices(settings), []
    for model in dict.fromkeys([*settings.models, *OTHERS]):
        with suppress(PriceUnknown):
            rates = prices.rates(model)
            found.append(ListPrice(model, *map(_dollars_per_million, (rates.input, rates.cached, rates.output))))
    return found


def _dollars_per_million(nano_per_token: Fraction) -> float:
    return float(nano_per_token / 1000)
