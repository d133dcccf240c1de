"""Going on with an answer that was cut off: the same message grows, and the model is asked for what is missing."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, bindparam, update

from chatbot.chats.asked import Ask
from chatbot.chats.context import TURN_TOKENS, estimate_tokens
from chatbot.chats.conversations import CHANGE_CHAT
from chatbot.chats.live import Begun, LiveReply
from chatbot.db import now_ms
from chatbot.errors import BadRequest, Blocked
from chatbot.model.events import GO_ON
from chatbot.money.prices import BYTES_PER_TOKEN
from chatbot.tables import messages

LEAST_TAIL_BYTES = 2000  # of the answer so far, that are sent in any case
ASKING = 3  # turns that ask for the rest: the question, the answer so far, and GO_ON
_BEGIN_AGAIN = (
    update(messages)
    .where(messages.c.chat == bindparam("of_chat"), messages.c.id == bindparam("of_message"))
    .values(status="streaming", rounds=messages.c.rounds + 1, finish_reason=None, problem=None)
    .values(stop_asked=0, searchable=0, heartbeat_at=bindparam("now"), model=bindparam("by_model"))
)


def go_on(wanted: Ask, newest: list[Row[Any]]) -> tuple[LiveReply, list[tuple[str, str]]]:
    """The newest answer of a chat, begun as it is, and what was said up to it.

    Raises BadRequest where another one is the newest, where nothing is missing, or nothing there.
    """
    cut = newest[-1] if len(newest) > 1 else None
    if cut is None or cut.id != wanted.cut or cut.role != "assistant":
        raise BadRequest("Only the newest answer can go on.", field="messages")
    if cut.rounds < 0:  # the model would take for its own what a visitor may have written
        raise BadRequest("An answer that was imported does not go on.", field="messages")
    if not cut.text or (cut.status == "complete" and cut.finish_reason != "length"):
        raise BadRequest("There is nothing to go on with: the answer is complete, or has not begun.", field="messages")
    *above, question, _ = newest
    reasoned = cut.reasoning and f"{cut.reasoning}\n\n"
    reply = LiveReply(wanted.chat, cut.id, question.id, wanted.model, Begun(cut.text, reasoned, cut.rounds + 1))
    return reply, [*told(above), ("user", question.text)]


def asking_for_rest(system: str, turns: list[tuple[str, str]], so_far: str, max_tokens: int) -> list[tuple[str, str]]:
    """The turns, and as much of the end of the answer so far as there is room for beside the question, and GO_ON."""
    taken = sum(estimate_tokens(text) for text in (system, turns[-1][1], GO_ON)) + ASKING * TURN_TOKENS
    room = max((max_tokens - taken) * BYTES_PER_TOKEN, LEAST_TAIL_BYTES)
    return [*turns, ("assistant", so_far.encode()[-room:].decode(errors="ignore")), ("user", GO_ON)]


def begin_again(connection: Connection, reply: LiveReply) -> None:
    """Let the answer stream again."""
    named = {"of_chat": reply.chat, "of_message": reply.message, "by_model": reply.model, "now": now_ms()}
    connection.execute(_BEGIN_AGAIN, named)
    connection.execute(CHANGE_CHAT, {"of_chat": reply.chat, "updated_at": now_ms()})


def told(above: list[Row[Any]]) -> list[tuple[str, str]]:
    """What the model is told of a chat. A question that moderation blocked would have every later one blocked."""
    blocked = {row.parent for row in above if row.problem and json.loads(row.problem).get("code") == Blocked.code}
    return [(row.role, row.text) for row in above if row.text and row.id not in blocked]
