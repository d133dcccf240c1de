"""A hold: money kept aside for one call before it is made, and whom the call is for."""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "/title"


@dataclass(frozen=True)
class Payer:
    """Whom and what a call is for. `message`: the answer that it makes, or `title_of_message`."""

    visitor: str
    network: str
    chat: str
    message: str
    model: str


@dataclass(frozen=True)
class Hold:
    """Money held for one call, which may have so many tokens and no more; its fields are columns of reservations."""

    id: str
    model: str
    input_tokens: int
    max_output_tokens: int
    nano: int
    started_at: int


def title_of_message(answer: str) -> str:
    """What a call is for that names a chat after this answer: no message has such an id, as none may have a slash.

    So an answer's attempts are its own, and a title takes no place among a visitor's answers.
    """
    return answer + TITLE
