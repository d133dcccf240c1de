"""The answer that fits: as long as every budget can pay for, and in which words it is refused where none is."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.errors import BudgetSpent, LimitReached, Problem
from chatbot.money.budgets import Balance
from chatbot.money.prices import Prices

USEFUL_TOKENS = 256  # an answer that would have to be shorter is refused
SMALL_INPUT = 1_000  # tokens of a call that is worth waiting for: below it no shorter question helps
SOON_S = 5  # until money that is held may have come free
WORDS = {
    "site/day": "This site has too little left for another answer today.",
    "site/month": "This site has too little left for another answer this month.",
    "visitor/day": "You have too little left for another answer today.",
    "network/day": "Your network has too little left for another answer today.",
    "tokens": "You have too few tokens left for another answer for now.",
}
BEGIN_ANEW = " In a new chat an answer costs less."
SET_ASIDE = "What is left is set aside for answers that are under way. Please try again in a moment."


@dataclass(frozen=True)
class Wish:
    """A call before its size is known: of this model, with so much input, and an answer of at most so many tokens."""

    model: str
    input_tokens: int
    longest: int

    @property
    def useful(self) -> int:
        return min(USEFUL_TOKENS, self.longest)


def output_that_fits(prices: Prices, wish: Wish, balances: list[Balance]) -> int:
    """The most output tokens that all balances can pay for; less than `wish.useful` when one cannot."""
    return min(_fitting(prices, wish, balance, balance.left) for balance in balances)


def refusal(prices: Prices, wish: Wish, balances: list[Balance], now: int) -> tuple[Problem, Balance | None]:
    """Why the wish is not granted; and the budget that is as good as spent, unless money is merely held or asked for
    by a long chat."""
    short = [each for each in balances if _fitting(prices, wish, each, each.left) < wish.useful]
    spent = [each for each in short if _fitting(prices, wish, each, each.scope.cap - each.spent) < wish.useful]
    last = max(spent or short, key=lambda balance: balance.scope.resets_at)
    scope = last.scope
    cause = f"{scope.name}: {last.spent} spent and {last.held} held of {scope.cap}"
    kind = LimitReached if scope.counts_tokens else BudgetSpent
    if not spent:
        return kind(SET_ASIDE, cause=cause, retry_after=SOON_S), None
    if scope.cap == 0:
        return kind("Nothing may be spent here for now.", cause=cause), None
    small = Wish(wish.model, min(SMALL_INPUT, wish.input_tokens), wish.longest)
    is_gone = _fitting(prices, small, last, scope.cap - last.spent) < wish.useful
    helps = scope.name in ("visitor/day", "tokens") and wish.input_tokens > SMALL_INPUT
    words = WORDS[scope.name] + (BEGIN_ANEW if helps else "")
    problem = kind(words, cause=cause, retry_after=(scope.resets_at - now) / 1000)
    return problem, last if is_gone else None


def _fitting(prices: Prices, wish: Wish, balance: Balance, left: int) -> int:
    if balance.scope.counts_tokens:
        return max(0, min(wish.longest, left - wish.input_tokens))
    return prices.output_that_fits(wish.model, wish.input_tokens, max(0, left), wish.longest)
