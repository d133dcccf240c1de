"""What is left for the visitor of a request: messages, money and tokens, and when more comes free."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from flask import g

from chatbot.money import switches
from chatbot.money.budgets import NANO, Balance
from chatbot.visitors.standing import Standing
from chatbot.visitors.who import Visitor
from chatbot.web.guard import STORE_ERRORS
from chatbot.web.parts import Parts, parts, visitor


def standings() -> list[Standing]:
    """Where the visitor stands, read once a request; nothing when the store is down: that alone spoils no answer."""
    if "standings" not in g:
        try:
            g.standings = parts().limits.standings(visitor())
        except STORE_ERRORS:
            g.standings = []
    return cast(list[Standing], g.standings)


def allowance(house: Parts, who: Visitor, found: list[Standing]) -> dict[str, Any]:
    """The tightest of each kind; `limits` has all of messages. Money is in dollars, and null with the tutor.

    The balances are read anew: also when an answer has just ended, outside of its request.
    """
    try:
        balances = house.ledger.balances(who.id, who.network)
    except STORE_ERRORS:
        balances = []
    money = [balance for balance in balances if not balance.scope.counts_tokens]
    tokens = [balance for balance in balances if balance.scope.counts_tokens]
    return {
        "messages": found[0] if found else None,
        "limits": found,
        "money": _told(money, NANO) if house.mode == "live" else None,
        "tokens": _told(tokens, 1),
    }


def mode() -> str:
    """live, tutor or paused."""
    try:
        return "paused" if switches.look(parts().engine).pause else parts().mode
    except STORE_ERRORS:
        return parts().mode


def _told(found: list[Balance], unit: int) -> dict[str, Any] | None:
    """The one with the least left; what it has left is as little as any other allows."""
    if not found:
        return None
    tightest = min(found, key=lambda balance: balance.left)
    resets_at = datetime.fromtimestamp(tightest.scope.resets_at / 1000, UTC)
    return {"left": tightest.left / unit, "limit": tightest.scope.cap / unit, "resets_at": resets_at}
