"""Listening to a reply that another process makes: its row is read until it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import Engine

from chatbot.chats.conversations import MESSAGE, outcome_of
from chatbot.chats.live import SILENCE_S, Outcome, Progress

POLL_S = 0.5


def follow(engine: Engine, chat: str, message: str, after: int = 0) -> Iterator[Progress | None]:
    """As LiveReply.listen, from the database: about a second behind, and the whole reasoning first."""
    position, reasoned = after, 0
    spoke = time.monotonic()
    while True:
        with engine.connect() as connection:
            row = connection.execute(MESSAGE, {"chat": chat, "id": message}).first()
        if row is None:  # deleted while it was followed
            yield Progress(position=position, outcome=Outcome("stopped"))
            return
        outcome = outcome_of(row)
        text, reasoning = row.text[position:], row.reasoning[reasoned:]
        position, reasoned = max(position, len(row.text)), len(row.reasoning)
        if text or reasoning or outcome:
            spoke = time.monotonic()
            yield Progress(text, reasoning, position, outcome)
            if outcome:
                return
        elif time.monotonic() - spoke >= SILENCE_S:
            spoke = time.monotonic()
            yield None
        time.sleep(POLL_S)
