"""Going on with an answer that was cut off: the same message grows, and the model is asked for what is missing."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, bindparam, update

from chatbot.chats.asked import Asked
from chatbot.chats.live import Begun
from chatbot.db import now_ms
from chatbot.errors import BadRequest, Blocked
from chatbot.tables import chats, messages

TAIL_CHARS = 8000  # of the answer so far: more of it is not sent
GO_ON = (
    "Your answer was cut off. Go on exactly where it ends, in the same form, without repeating or announcing anything."
)
_TOUCH = update(chats).where(chats.c.id == bindparam("of_chat"))
_BEGIN_AGAIN = (
    update(messages)
    .where(messages.c.chat == bindparam("of_chat"), messages.c.id == bindparam("of_message"))
    .values(status="streaming", rounds=messages.c.rounds + 1, finish_reason=None, problem=None)
    .values(stop_asked=0, searchable=0, heartbeat_at=bindparam("now"), model=bindparam("by_model"))
)


def go_on(connection: Connection, model: str, newest: list[Row[Any]]) -> Asked:
    """Let the last answer of a chat stream again. Raises BadRequest where nothing is missing, or nothing there."""
    cut = newest[-1]
    is_cut_off = cut.status != "complete" or cut.finish_reason == "length"
    if not (is_cut_off and cut.text and cut.role == "assistant" and len(newest) > 1):
        raise BadRequest("There is nothing to go on with: the answer is complete, or has not begun.", field="messages")
    *above, question, _ = newest
    named = {"of_chat": cut.chat, "of_message": cut.id, "by_model": model, "now": now_ms()}
    connection.execute(_BEGIN_AGAIN, named)
    connection.execute(_TOUCH, {"of_chat": cut.chat, "updated_at": now_ms()})
    ends = [("user", question.text), ("assistant", cut.text[-TAIL_CHARS:]), ("user", GO_ON)]
    reasoned = cut.reasoning and f"{cut.reasoning}\n\n"
    begun = Begun(cut.text, reasoned, cut.rounds + 1)
    return Asked(question.id, cut.id, [*told(above), *ends], kept=len(ends), begun=begun)


def told(above: list[Row[Any]]) -> list[tuple[str, str]]:
    """What the model is told of a chat. A question that moderation blocked would have every later one blocked."""
    blocked = {row.parent for row in above if row.problem and json.loads(row.problem).get("code") == Blocked.code}
    return [(row.role, row.text) for row in above if row.text and row.id not in blocked]
