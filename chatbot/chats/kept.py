"""What the database keeps of an answer: its text so far while it is made, and how it ended."""

from __future__ import annotations

import json

from sqlalchemy import Connection, and_, bindparam, func, select, update

from chatbot.chats.live import LiveReply, Outcome
from chatbot.db import now_ms
from chatbot.tables import messages

# Nobody writes into an answer that another worker has gone on with meanwhile.
_MINE = and_(
    messages.c.chat == bindparam("of_chat"),
    messages.c.id == bindparam("of_message"),
    messages.c.rounds == bindparam("of_rounds"),
)
_KEEP = (
    update(messages)
    .where(_MINE, messages.c.status == "streaming")
    .values(text=bindparam("now_text"), reasoning=bindparam("now_reasoning"), heartbeat_at=bindparam("now_ms"))
)
_THERE = select(messages.c.chat, messages.c.id, messages.c.rounds).where(
    messages.c.chat.in_(bindparam("chats", expanding=True)), messages.c.id.in_(bindparam("ids", expanding=True))
)
_TOKENS = ("input", "cached", "output", "reasoning")
_MORE = {
    name: bindparam(f"more_{name}", type_=messages.c[name].type)
    for name in (*(f"{kind}_tokens" for kind in _TOKENS), "cost_nano")
}
_SUMS = {name: func.coalesce(messages.c[name] + more, more, messages.c[name]) for name, more in _MORE.items()}
_FINISH = (
    update(messages)
    .where(_MINE, messages.c.status.in_(("streaming", "interrupted")))  # others may have thought its worker dead
    .values(_SUMS)
    .values(searchable=0)  # what was found of it before it was whole
)


def keep(connection: Connection, replies: list[LiveReply]) -> list[LiveReply]:
    """Store the texts so far, with a sign of life; those that are no longer there to be made: their chat was deleted,
    or another worker goes on with them."""
    now = now_ms()
    rows = [{**_named(each), "now_text": each.text, "now_reasoning": each.reasoning, "now_ms": now} for each in replies]
    if not rows or connection.execute(_KEEP, rows).rowcount >= len(rows):
        return []
    names = {"chats": [reply.chat for reply in replies], "ids": [reply.message for reply in replies]}
    there = {tuple(row) for row in connection.execute(_THERE, names)}
    return [reply for reply in replies if (reply.chat, reply.message, reply.begun.rounds) not in there]


def finish(connection: Connection, reply: LiveReply, outcome: Outcome, request_id: str, key: str | None) -> None:
    """Store the whole answer and how it ended, its tokens and cost added to what it had before; a message that has
    ended otherwise stays as it is."""
    values = {
        **_named(reply),
        "status": outcome.status,
        "text": reply.text,
        "reasoning": reply.reasoning,
        "finish_reason": outcome.finish_reason,
        "problem": json.dumps(outcome.problem) if outcome.problem else None,
        "left_out": outcome.left_out,
        "shortened_to": reply.shortened_to,
        **{f"more_{kind}_tokens": getattr(outcome.usage, kind, None) for kind in _TOKENS},
        "more_cost_nano": outcome.cost_nano,
        "request_id": request_id,
        "key_fingerprint": key,
    }
    connection.execute(_FINISH, values)


def _named(reply: LiveReply) -> dict[str, object]:
    return {"of_chat": reply.chat, "of_message": reply.message, "of_rounds": reply.begun.rounds}
