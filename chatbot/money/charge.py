"""What an attempt is charged: by the usage that OpenAI told or, where none came, by a rule that errs upwards.

OpenAI bills what it has made, and a call that broke off does not tell how much that was. Without usage it costs all
the input that was held; for the output each byte of what was delivered as a token, because no token is shorter; and for
each silence as many tokens as may have been thought in it. Where nothing was delivered, it costs all that was held.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from chatbot.model.events import Usage
from chatbot.money.prices import Prices

UNHEARD_TOKENS = 64  # made, but still on their way when the connection ended
HIDDEN_TOKENS_PER_S = 250  # of reasoning that is not shown, in a silence: faster than models of today
SILENCE_S = 1.0  # a shorter pause between two pieces of text is none
LONGEST_TOKEN = 8  # bytes: a text with more of them for each token that was allowed ignores that bound


@dataclass
class Attempt:
    """What is known of one call. `delivered`: bytes of text and reasoning; `silent_s`: in which nothing came.

    `charged`: what a call that failed as it did costs where nothing was delivered, as of `Problem`.
    """

    outcome: str = "crashed"
    usage: Usage | None = None
    charged: str = "all"
    delivered: int = 0
    silent_s: float = 0.0
    key: str | None = None
    request_id: str = ""
    first_ms: int | None = None
    heard_at: float = field(default_factory=time.monotonic)

    def hear(self, text: str) -> None:
        """More of the answer arrived, or it is over."""
        now = time.monotonic()
        silence_s = now - self.heard_at
        if text or silence_s >= SILENCE_S:
            self.heard_at = now
        if silence_s >= SILENCE_S or (text and not self.delivered):
            self.silent_s += silence_s
        self.delivered += len(text.encode("utf-8", "replace"))


@dataclass(frozen=True)
class Charge:
    """`basis`: usage, estimate, reservation or nothing. `usage`: the tokens that are charged."""

    basis: str
    usage: Usage
    nano: int


def charge(prices: Prices, model: str, attempt: Attempt, input_tokens: int, max_output_tokens: int) -> Charge:
    """The charge for an attempt that had at most so many tokens."""
    told = attempt.usage
    if told and told.input and (told.output or not attempt.delivered):
        return Charge("usage", told, prices.cost_nano(model, told))
    hidden = int(attempt.silent_s * HIDDEN_TOKENS_PER_S)
    if attempt.delivered:
        bound = max_output_tokens if attempt.delivered <= LONGEST_TOKEN * max_output_tokens else attempt.delivered
        made = min(attempt.delivered + UNHEARD_TOKENS + hidden, bound)
        return _worst(prices, "estimate", model, input_tokens, made)
    if attempt.charged == "nothing":
        return Charge("nothing", Usage(), 0)
    if attempt.charged == "input":
        return _worst(prices, "estimate", model, input_tokens, min(hidden, max_output_tokens))
    return _worst(prices, "reservation", model, input_tokens, max_output_tokens)


def _worst(prices: Prices, basis: str, model: str, input_tokens: int, output_tokens: int) -> Charge:
    nano = prices.worst_nano(model, input_tokens, output_tokens)
    return Charge(basis, Usage(input=input_tokens, output=output_tokens), nano)
