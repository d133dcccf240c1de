"""A hold: money kept aside for one call before it is made, and whom the call is for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

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
    """Money held for one call, which may have so many tokens and no more. `scopes`: rows of budgets, by unit."""

    id: str
    payer: Payer
    input_tokens: int
    max_output_tokens: int
    nano: int
    scopes: tuple[str, ...]
    started_at: int

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.max_output_tokens


def title_of_message(answer: str) -> str:
    """What a call is for that names a chat after this answer: no message has such an id, as none may have a slash.

    So an answer's attempts are its own, and a title takes no place among a visitor's answers.
    """
    return answer + TITLE


def of_row(row: Row[Any]) -> Hold:
    """As it stands in the table of reservations."""
    payer = Payer(row.visitor, row.network, row.chat, row.message, row.model)
    scopes = tuple(json.loads(row.scopes))
    return Hold(row.id, payer, row.input_tokens, row.max_output_tokens, row.nano, scopes, row.started_at)
