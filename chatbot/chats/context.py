"""How much of a chat is sent: the newest turns that fit, and always those that ask for the answer."""

from __future__ import annotations

from chatbot.money.prices import BYTES_PER_TOKEN

TURN_TOKENS = 6  # what a role and its separators take
MOST_TURN_TOKENS = 16  # no server takes more for them
MOST_CALL_TOKENS = 64  # nor for what stands around a call


def estimate_tokens(text: str) -> int:
    """Tokens of a text, estimated from its UTF-8 bytes: English takes fewer, most other writing about as many."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def most_tokens(system: str, turns: list[tuple[str, str]]) -> int:
    """A bound that no call of these texts exceeds: no token is shorter than a byte of UTF-8."""
    sizes = [len(text.encode("utf-8", "replace")) + MOST_TURN_TOKENS for text in (system, *(text for _, text in turns))]
    return sum(sizes) + MOST_CALL_TOKENS


def fit(system: str, turns: list[tuple[str, str]], max_tokens: int, kept: int = 1) -> tuple[list[tuple[str, str]], int]:
    """The newest turns within `max_tokens`, beginning with a question; and how many older ones were left out.

    `turns`: (role, text), oldest first. The last `kept` of them, which ask for the answer, stay even where they alone
    are too long.
    """
    left = max_tokens - estimate_tokens(system)
    first = last = len(turns) - kept
    for index in range(len(turns) - 1, -1, -1):
        left -= estimate_tokens(turns[index][1]) + TURN_TOKENS
        if left < 0:
            break
        first = min(index, last)
    while first < last and turns[first][0] != "user":
        first += 1
    return turns[first:], first
