"""What a call costs, in nano-dollars, by the dated prices of `genai-prices`; None where a price is not known."""

from __future__ import annotations

from decimal import Decimal

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from chatbot.config import Settings
from chatbot.model.events import Usage

NANO = Decimal(10**9)
BYTES_PER_TOKEN = 3  # of the estimate that cuts a chat: no token is shorter than a byte


def cost_nano(model: str, usage: Usage) -> int | None:
    """Nano-dollars of one call with this usage, rounded up; None for a model without a known price."""
    try:
        price = calc_price(
            PricedUsage(
                input_tokens=usage.input,
                cache_read_tokens=min(usage.cached, usage.input),
                cache_write_tokens=min(usage.cache_write, usage.input - min(usage.cached, usage.input)),
                output_tokens=usage.output,
            ),
            model_ref=model,
            provider_id="openai",
        )
    except LookupError:
        return None
    return -int(-(price.total_price * NANO) // 1)


def worst_case_nano(model: str, settings: Settings) -> int | None:
    """The dearest that one message can be: each byte sent a token, at the dearer of the input and cache-write rates,
    the longest answer, and one retry."""
    sent = max(settings.max_context_tokens * BYTES_PER_TOKEN, settings.max_message_chars * 4)
    sent += len(settings.system_prompt.encode())
    costs = [
        cost_nano(model, Usage(input=sent, cache_write=written, output=settings.max_output_tokens))
        for written in (0, sent)
    ]
    known = [cost for cost in costs if cost is not None]
    return 2 * max(known) if known else None
