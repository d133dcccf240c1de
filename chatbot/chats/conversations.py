"""Chats in the database, read and finished: each message stands under its parent, versions stand side by side."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, literal, select, update

from chatbot.chats.live import LiveReply, Outcome
from chatbot.db import DEAD_AFTER_MS, now_ms, writing
from chatbot.errors import NotFound
from chatbot.tables import chats, messages

DEPTH = 1000  # messages of one path that are read, from the newest

# Statements are built once: building one takes longer than running it.
CHAT = select(chats).where(chats.c.id == bindparam("chat"))
MESSAGE = select(messages).where(messages.c.chat == bindparam("chat"), messages.c.id == bindparam("id"))
RUNNING = select(messages).where(
    messages.c.chat == bindparam("chat"),
    messages.c.status == "streaming",
    messages.c.heartbeat_at >= bindparam("alive_since"),
)
_LEAF = MESSAGE.add_columns(literal(1).label("depth")).cte("up", recursive=True)
_UP = _LEAF.union_all(
    select(*messages.c, _LEAF.c.depth + 1).where(
        messages.c.chat == bindparam("chat"), messages.c.id == _LEAF.c.parent, _LEAF.c.depth < DEPTH
    )
)
PATH = select(_UP).order_by(_UP.c.depth.desc())
FINISH = update(messages).where(
    messages.c.chat == bindparam("of_chat"),
    messages.c.id == bindparam("of_message"),
    messages.c.status.in_(("streaming", "interrupted")),  # others may have thought its worker dead
)


def path(connection: Connection, chat: str, leaf: str | None) -> list[Row[Any]]:
    """The messages from the first to `leaf`, at most DEPTH of them."""
    return list(connection.execute(PATH, {"chat": chat, "id": leaf}))


def owned(connection: Connection, chat: str, visitor: str) -> Row[Any]:
    """The chat's row, if it is this visitor's. Raises NotFound: somebody else's chat does not exist."""
    row = connection.execute(CHAT, {"chat": storable(chat)}).first()
    if row is None or row.visitor != visitor:
        raise NotFound()
    return row


def read(engine: Engine, chat: str, visitor: str) -> dict[str, Any]:
    """A chat with the messages of the version being read, as the AI SDK's UIMessage. Raises NotFound."""
    with engine.connect() as connection:
        row = owned(connection, chat, visitor)
        shown = [_ui_message(message) for message in path(connection, chat, row.head)]
    live = bool(shown) and shown[-1]["metadata"]["status"] == "streaming"
    times = {"created_at": row.created_at, "updated_at": row.updated_at}
    return {"id": row.id, "title": row.title, **times, "live": live, "messages": shown}


def live_row(engine: Engine, chat: str, visitor: str) -> Row[Any] | None:
    """The answer of this chat that some process is making now, or None. Raises NotFound."""
    with engine.connect() as connection:
        owned(connection, chat, visitor)
        return connection.execute(RUNNING, {"chat": chat, "alive_since": now_ms() - DEAD_AFTER_MS}).first()


def ask_to_stop(engine: Engine, chat: str) -> None:
    """Tell whichever process makes this chat's reply to stop; it looks once a second."""
    with writing(engine) as connection:
        streaming = (messages.c.chat == chat) & (messages.c.status == "streaming")
        connection.execute(update(messages).where(streaming).values(stop_asked=1))


def finish(engine: Engine, reply: LiveReply, outcome: Outcome, request_id: str, key: str | None) -> None:
    """Store the whole answer and how it ended; a message that has ended otherwise stays as it is."""
    usage = outcome.usage
    values = {
        "of_chat": reply.chat,
        "of_message": reply.message,
        "status": outcome.status,
        "text": storable(reply.text),
        "reasoning": storable(reply.reasoning),
        "finish_reason": outcome.finish_reason,
        "problem": json.dumps(outcome.problem) if outcome.problem else None,
        "left_out": outcome.left_out,
        "input_tokens": usage.input if usage else None,
        "cached_tokens": usage.cached if usage else None,
        "output_tokens": usage.output if usage else None,
        "reasoning_tokens": usage.reasoning if usage else None,
        "cost_nano": outcome.cost_nano,
        "request_id": request_id,
        "key_fingerprint": key,
    }
    with writing(engine) as connection:
        connection.execute(FINISH, values)


def outcome_of(row: Row[Any]) -> Outcome | None:
    """How a stored answer ended, or None while it is being made."""
    status = shown_status(row)
    if status == "streaming":
        return None
    problem = json.loads(row.problem) if row.problem else None
    return Outcome(status, row.finish_reason, problem, cost_nano=row.cost_nano, left_out=row.left_out)


def shown_status(row: Row[Any]) -> str:
    """The status, with a dead worker's message counted as interrupted before anybody has marked it."""
    is_dead = row.status == "streaming" and (row.heartbeat_at or 0) < now_ms() - DEAD_AFTER_MS
    return "interrupted" if is_dead else str(row.status)


def storable(text: str) -> str:
    return text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL


def _ui_message(row: Row[Any]) -> dict[str, Any]:
    parts = [{"type": "reasoning", "text": row.reasoning}] if row.reasoning else []
    metadata = {"status": shown_status(row), "created_at": row.created_at}
    if row.role == "assistant":
        metadata |= {"model": row.model, "finishReason": row.finish_reason, "leftOut": row.left_out}
    if row.problem:
        metadata["problem"] = json.loads(row.problem)
    return {"id": row.id, "role": row.role, "parts": [*parts, {"type": "text", "text": row.text}], "metadata": metadata}
