"""Chats in the database: each message stands under its parent, versions stand side by side."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, literal, select, update

from chatbot.chats.live import Outcome
from chatbot.db import DEAD_AFTER_MS, now_ms, reading, writing
from chatbot.errors import NotFound, ReplyRunning
from chatbot.tables import chats, messages

DEPTH = 1000  # messages of one path that are read, from the newest

# Statements are built once: building one takes longer than running it.
CHAT = select(chats).where(chats.c.id == bindparam("chat"))
LOCKED_CHAT = CHAT.with_for_update()  # two questions at once take turns; SQLite's transactions do so anyway
CHANGE_CHAT = update(chats).where(chats.c.id == bindparam("of_chat"))
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
_VERSIONS = (
    select(messages.c.parent, messages.c.id)
    .where(messages.c.chat == bindparam("chat"))
    .order_by(messages.c.created_at, messages.c.id)
)


def path(connection: Connection, chat: str, leaf: str | None) -> list[Row[Any]]:
    """The messages from the first to `leaf`, at most DEPTH of them."""
    return list(connection.execute(PATH, {"chat": chat, "id": leaf}))


def owned(connection: Connection, chat: str, visitor: str, *, lock: bool = False) -> Row[Any]:
    """The chat's row, if it is this visitor's. Raises NotFound: somebody else's chat does not exist."""
    row = connection.execute(LOCKED_CHAT if lock else CHAT, {"chat": storable(chat)}).first()
    if row is None or row.visitor != visitor:
        raise NotFound()
    return row


def read(engine: Engine, chat: str, visitor: str, before: str | None = None) -> dict[str, Any]:
    """A chat with the messages of the version being read, as the AI SDK's UIMessage; those above `before`, if given.

    `earlier`: there are more above them. Raises NotFound.
    """
    with reading(engine) as connection:
        row = owned(connection, chat, visitor)
        leaf = row.head
        if before is not None:
            below = connection.execute(MESSAGE, {"chat": row.id, "id": storable(before)}).first()
            if below is None:
                raise NotFound(field="before")
            leaf = below.parent
        found = path(connection, row.id, leaf)
        beside = _versions(connection, row.id)
    shown = [_ui_message(message, beside.get(message.parent, [])) for message in found]
    live = bool(found) and shown_status(found[-1]) == "streaming"
    times = {"created_at": row.created_at, "updated_at": row.updated_at}
    members = {"id": row.id, "title": row.title, **times, "live": live, "temporary": bool(row.temporary)}
    return {**members, "earlier": bool(found) and found[0].parent is not None, "messages": shown}


def choose(engine: Engine, chat: str, visitor: str, version: str) -> None:
    """Read on at this message, down to its newest answer. Raises NotFound; ReplyRunning while an answer is made."""
    with writing(engine) as connection:
        row = owned(connection, chat, visitor, lock=True)
        if connection.execute(RUNNING, {"chat": row.id, "alive_since": now_ms() - DEAD_AFTER_MS}).first():
            raise ReplyRunning(retry_after=DEAD_AFTER_MS / 1000)
        if connection.execute(MESSAGE, {"chat": row.id, "id": storable(version)}).first() is None:
            raise NotFound("There is no such version.", field="head")
        below, leaf = _versions(connection, row.id), version
        while leaf in below:
            leaf = below[leaf][-1]
        connection.execute(CHANGE_CHAT, {"of_chat": row.id, "head": leaf})


def _versions(connection: Connection, chat: str) -> dict[str | None, list[str]]:
    """The ids of a chat's messages by their parent, oldest first: those under one parent are versions."""
    found: dict[str | None, list[str]] = {}
    for parent, id in connection.execute(_VERSIONS, {"chat": chat}):
        found.setdefault(parent, []).append(id)
    return found


def live_row(engine: Engine, chat: str, visitor: str) -> Row[Any] | None:
    """The answer of this chat that some process is making now, or None. Raises NotFound."""
    with engine.connect() as connection:
        owned(connection, chat, visitor)
        return connection.execute(RUNNING, {"chat": chat, "alive_since": now_ms() - DEAD_AFTER_MS}).first()


def ask_to_stop(engine: Engine, chat: str) -> None:
    """Tell whichever process makes this chat's reply to stop; it looks more than once a second."""
    with writing(engine) as connection:
        streaming = (messages.c.chat == chat) & (messages.c.status == "streaming")
        connection.execute(update(messages).where(streaming).values(stop_asked=1))


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


def _ui_message(row: Row[Any], versions: list[str]) -> dict[str, Any]:
    parts = [{"type": "reasoning", "text": row.reasoning}] if row.reasoning else []
    metadata = {"status": shown_status(row), "created_at": row.created_at}
    if row.role == "assistant":
        metadata |= {"model": row.model, "finishReason": row.finish_reason, "leftOut": row.left_out}
    if row.shortened_to is not None:
        metadata["shortenedTo"] = row.shortened_to
    if len(versions) > 1:
        metadata["versions"] = versions
    if row.problem:
        metadata["problem"] = json.loads(row.problem)
    return {"id": row.id, "role": row.role, "parts": [*parts, {"type": "text", "text": row.text}], "metadata": metadata}
