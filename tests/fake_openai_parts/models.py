"""The models the fake knows: prices in nano-dollars per token, and the day each is shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fake_openai_parts.calls import Usage

LONG_INPUT = 272_000
"""Inputs beyond this many tokens cost twice, their output one and a half times, where the model says so."""

# model: input, cached input, cache write, output; dearer when long. Figures from genai-prices 0.2.3.
_PRICES: dict[str, tuple[int, int, int, int, bool]] = {
    "gpt-6-luna": (100, 10, 125, 500, True),
    "gpt-6-sol": (2_000, 200, 2_500, 10_000, True),
    "gpt-6-astra": (10_000, 1_000, 12_500, 50_000, True),
    "gpt-6.1-terra": (1_000, 50, 1_250, 5_000, True),
    "gpt-6.1-sol": (2_000, 100, 2_500, 10_000, True),
    "gpt-5.6-luna": (200, 20, 250, 1_200, True),
    "gpt-5.6-terra": (2_000, 200, 2_500, 12_000, True),
    "gpt-5.5": (5_000, 500, 5_000, 30_000, True),
    "gpt-5.4": (2_500, 250, 2_500, 15_000, True),
    "gpt-5.4-mini": (750, 75, 750, 4_500, False),
    "gpt-5.4-nano": (200, 20, 200, 1_250, False),
    "gpt-5-mini": (250, 25, 250, 2_000, False),
    "gpt-4o-mini": (150, 75, 150, 600, False),
}
_UNPRICED = ("gpt-6.2-luna", "gpt-6.2-sol", "omni-moderation-latest")
_SHUTDOWN = {"gpt-5-mini": "2026-12-11", "gpt-4o-mini": "2027-01-14"}
ENDED = ("gpt-3.5-turbo", "gpt-4")
"""Models that are gone: a call is a 404 `model_not_found`."""

KNOWN = (*_PRICES, *_UNPRICED)


def nano_dollars(model: str, usage: Usage) -> int:
    """What `usage` costs on `model`; an unpriced model costs what the dearest does."""
    input_, cached, write, output, tiered = _PRICES.get(model, _PRICES["gpt-6-astra"])
    plain = usage.input - usage.cached - usage.cache_write
    cost_in = plain * input_ + usage.cached * cached + usage.cache_write * write
    cost_out = usage.output * output
    if tiered and usage.input > LONG_INPUT:
        return cost_in * 2 + cost_out * 3 // 2
    return cost_in + cost_out


def describe(model: str) -> dict[str, Any]:
    """The entry of `model` in `GET /v1/models`."""
    return {
        "id": model,
        "object": "model",
        "created": 1_780_000_000,
        "owned_by": "system",
        "shutdown_date": _SHUTDOWN.get(model),
    }
