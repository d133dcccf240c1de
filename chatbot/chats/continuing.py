"""Going on with an answer that was cut off: the same message grows, and the model is asked for what is missing."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, bindparam, update

from chatbot.chats.asked import Ask, Asked
from chatbot.chats.context import TURN_TOKENS, estimate_tokens
from chatbot.chats.conversations import CHANGE_CHAT
from chatbot.chats.live import Begun
from chatbot.db import now_ms
from chatbot.errors import BadRequest, Blocked
from chatbot.model.events import GO_ON
from chatbot.money.prices import BYTES_PER_TOKEN
from chatbot.tables import messages

LEAST_TAIL_BYTES = 2000  # of the answer so far, that are sent in any case
_BEGIN_AGAIN = (
    update(messages)
    .where(messages.c.chat == bindparam("of_chat"), messages.c.id == bindparam("of_message"))
    .values(status="streaming", rounds=messages.c.rounds + 1, finish_reason=None, problem=None)
    .values(stop_asked=0, searchable=0, heartbeat_at=bindparam("now"), model=bindparam("by_model"))
)


def go_on(answer: str, newest: list[Row[Any]]) -> Asked:
    """How the newest answer of a chat is asked for its rest.

    Raises BadRequest where another one is the newest, where nothing is missing, or nothing there.
    """
    cut = newest[-1] if len(newest) > 1 else None
    if cut is None or cut.id != answer or cut.role != "assistant":
        raise BadRequest("Only the newest answer can go on.", field="messages")
    if cut.rounds < 0:  # the model would take for its own what a visitor may have written
        raise BadRequest("An answer that was imported does not go on.", field="messages")
    if not cut.text or (cut.status == "complete" and cut.finish_reason != "length"):
        raise BadRequest("There is nothing to go on with: the answer is complete, or has not begun.", field="messages")
    *above, question, _ = newest
    ends = [("user", question.text), ("assistant", cut.text), ("user", GO_ON)]
    reasoned = cut.reasoning and f"{cut.reasoning}\n\n"
    begun = Begun(cut.text, reasoned, cut.rounds + 1)
    return Asked(question.id, cut.id, [*told(above), *ends], kept=len(ends), begun=begun)


def with_room(system: str, asked: Asked, max_tokens: int) -> list[tuple[str, str]]:
    """Its turns, with as much of the end of the answer so far as there is room for beside its question."""
    if not asked.begun.rounds:
        return asked.turns
    *above, question, (role, so_far), order = asked.turns
    taken = sum(estimate_tokens(text) for text in (system, question[1], order[1])) + asked.kept * TURN_TOKENS
    room = max((max_tokens - taken) * BYTES_PER_TOKEN, LEAST_TAIL_BYTES)
    return [*above, question, (role, so_far.encode()[-room:].decode(errors="ignore")), order]


def begin_again(connection: Connection, wanted: Ask, asked: Asked) -> None:
    """Let the answer stream again."""
    named = {"of_chat": wanted.chat, "of_message": asked.answer, "by_model": wanted.model, "now": now_ms()}
    connection.execute(_BEGIN_AGAIN, named)
    connection.execute(CHANGE_CHAT, {"of_chat": wanted.chat, "updated_at": now_ms()})


def told(above: list[Row[Any]]) -> list[tuple[str, str]]:
    """What the model is told of a chat. A question that moderation blocked would have every later one blocked."""
    blocked = {row.parent for row in above if row.problem and json.loads(row.problem).get("code") == Blocked.code}
    return [(row.role, row.text) for row in above if row.text and row.id not in blocked]
