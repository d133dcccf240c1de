"""What a token costs, by its kind and by the length of the input that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from genai_prices.types import TieredPrices


@dataclass(frozen=True)
class Rates:
    """Nano-dollars per token of a call whose input is longer than `above` tokens.

    `most_input` and `most_output`: the dearest of any kind of input, and of output, at this length or a shorter one.
    """

    above: int
    input: Fraction
    cached: Fraction
    cache_write: Fraction
    output: Fraction
    most_input: Fraction
    most_output: Fraction


def ladder(*prices: Decimal | TieredPrices, factor: Fraction = Fraction(1)) -> list[Rates]:
    """Rates for each length of input at which a price changes, the shortest first.

    `prices`, in dollars per million tokens: of input, cached input, cache writes and output; all times `factor`.
    """
    starts = {tier.start for price in prices if isinstance(price, TieredPrices) for tier in price.tiers}
    steps: list[Rates] = []
    most_input = most_output = Fraction(0)
    for above in (-1, *sorted(starts)):
        plain, cached, written, made = (factor * _nano(price, above) for price in prices)
        most_input, most_output = max(most_input, plain, cached, written), max(most_output, made)
        steps.append(Rates(above, plain, cached, written, made, most_input, most_output))
    return steps


def _nano(price: Decimal | TieredPrices, above: int) -> Fraction:
    if isinstance(price, TieredPrices):
        price = next((tier.price for tier in reversed(price.tiers) if tier.start <= above), price.base)
    return Fraction(price) * 1000
