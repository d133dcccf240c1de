"""What an attempt is charged: by the usage that OpenAI told or, where none came, by a rule that errs upwards.

OpenAI bills what it has made, and a call that broke off does not tell how much that was. Without usage it costs all
the input that was held, and for the output each byte of what was delivered as a token: no token is shorter.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from chatbot.errors import Problem
from chatbot.model.events import Usage
from chatbot.money.prices import BYTES_PER_TOKEN, Prices

UNHEARD_TOKENS = 64  # made, but still on their way when the connection ended
HIDDEN_TOKENS_PER_S = 250  # of reasoning that is not shown, before the first text: faster than models of today


@dataclass
class Attempt:
    """What is known of one call. `delivered`: bytes of text and reasoning; `wait_s`: until the first of them.

    `problem`: how it failed; its `charged` tells what such a failure costs when nothing was delivered.
    """

    outcome: str = "crashed"
    usage: Usage | None = None
    problem: Problem | None = None
    delivered: int = 0
    wait_s: float = 0.0
    key: str | None = None
    request_id: str = ""
    first_ms: int | None = None
    began: float = field(default_factory=time.monotonic)

    def hear(self, text: str) -> None:
        """More of the answer arrived."""
        if text:
            if not self.delivered:
                self.wait_s = time.monotonic() - self.began
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
    held = prices.worst_nano(model, input_tokens, max_output_tokens)
    if attempt.delivered:
        made = attempt.delivered + UNHEARD_TOKENS + int(attempt.wait_s * HIDDEN_TOKENS_PER_S)
        bound = max(max_output_tokens, attempt.delivered // BYTES_PER_TOKEN)  # a server may ignore its own
        return _worst(prices, "estimate", model, input_tokens, min(made, bound))
    if attempt.problem and attempt.problem.charged == "nothing":
        return Charge("nothing", Usage(), 0)
    if attempt.problem and attempt.problem.charged == "input":
        return _worst(prices, "estimate", model, input_tokens, 0)
    return Charge("reservation", Usage(input=input_tokens, output=max_output_tokens), held)


def _worst(prices: Prices, basis: str, model: str, input_tokens: int, output_tokens: int) -> Charge:
    nano = prices.worst_nano(model, input_tokens, output_tokens)
    return Charge(basis, Usage(input=input_tokens, output=output_tokens), nano)
