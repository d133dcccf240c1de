"""Bringing chats in: an export is checked as a whole, then stored chat by chat, each whole or not at all."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from chatbot.chats.conversations import CHAT, storable
from chatbot.db import now_ms
from chatbot.errors import Problem, TooLong
from chatbot.history.archive import unpack
from chatbot.history.erase import NOBODY, forgotten
from chatbot.history.pace import Pace
from chatbot.history.portable import EPOCH, MOST_CHATS, MOST_MESSAGES, NANO, TOKENS, Chat, Message, decode
from chatbot.key.redact import without_keys
from chatbot.tables import messages

IMPORTED = -1  # in place of the number of rounds: such an answer does not go on
PART_MESSAGES, PART_CHARS = 100, 500_000  # that one transaction stores, some milliseconds of work

_OPEN = text(
    "INSERT INTO chats (id, visitor, title, created_at, updated_at, temporary)"
    f" VALUES (:id, '{NOBODY}', :title, :created_at, :now, 0) ON CONFLICT (id) DO NOTHING RETURNING id"
)
_NEW_MESSAGES = insert(messages)
_HAND_OVER = text(
    "UPDATE chats SET visitor = :visitor, head = :head, updated_at = :updated_at WHERE id = :id"
    " AND NOT EXISTS (SELECT 1 FROM limit_counters WHERE key = :forgotten)"  # meanwhile
)


def bring_in(engine: Engine, visitor: str, body: bytes, question_chars: int) -> dict[str, Any]:
    """Store the chats of an export, one as JSON or a zip of many: how many were `imported` and `skipped`, because the
    visitor has them, and the ids of the `chats` that are new; one whose id is another visitor's gets a new one.

    Raises BadRequest or TooLong, and stores nothing, where any of it is bad.
    """
    for _ in _checked(body, question_chars):
        pass
    pace = Pace(engine)
    ids = [_store(pace, visitor, chat) for chat in _checked(body, question_chars)]
    stored = [id for id in ids if id]
    return {"imported": len(stored), "skipped": len(ids) - len(stored), "chats": stored}


def _checked(body: bytes, question_chars: int) -> Iterator[Chat]:
    """One chat at a time is in memory."""
    chats = messages = 0
    for file, data in unpack(body):
        chat = decode(data, file, question_chars)
        chats, messages = chats + 1, messages + len(chat.messages)
        if chats > MOST_CHATS or messages > MOST_MESSAGES:
            raise TooLong(f"More than {MOST_CHATS} chats or {MOST_MESSAGES} messages cannot be imported at once.")
        yield chat


def _store(pace: Pace, visitor: str, chat: Chat) -> str | None:
    """The id under which it is stored; None where the visitor has it already, or wants to be forgotten.

    Until all of it is there a chat is nobody's: what a crash leaves is cleared away like one that was deleted.
    """
    parts = list(_parts(chat.messages))
    with pace.writing() if len(parts) == 1 else nullcontext():
        with pace.writing() as connection:
            id = _open(connection, visitor, chat)
        if id is None:
            return None
        for part in parts:
            rows = [_row(id, message) for message in part]  # before the lock: to look for keys takes time
            with pace.writing() as connection:
                connection.execute(_NEW_MESSAGES, rows)
        with pace.writing() as connection:
            values = {"id": id, "visitor": visitor, "head": chat.head, "updated_at": _ms(chat.updated_at)}
            is_theirs = connection.execute(_HAND_OVER, {**values, "forgotten": forgotten(visitor)}).rowcount
    return id if is_theirs else None


def _open(connection: Connection, visitor: str, chat: Chat) -> str | None:
    title = without_keys(storable(chat.title))
    values = {"title": title, "created_at": _ms(chat.created_at), "now": now_ms()}
    if connection.execute(_OPEN, {**values, "id": chat.id}).first():
        return chat.id
    there = connection.execute(CHAT, {"chat": chat.id}).first()
    if there is not None and there.visitor == visitor:
        return None
    id = secrets.token_urlsafe(12)
    connection.execute(_OPEN, {**values, "id": id})
    return id


def _parts(messages: list[Message]) -> Iterator[list[Message]]:
    part: list[Message] = []
    chars = 0
    for message in messages:
        part.append(message)
        chars += len(message.text) + len(message.reasoning)
        if len(part) == PART_MESSAGES or chars > PART_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part


def _row(chat: str, message: Message) -> dict[str, Any]:
    status = "complete" if message.role == "user" else message.status
    return {
        "chat": chat,
        "id": message.id,
        "parent": message.parent,
        "role": message.role,
        "status": "interrupted" if status == "streaming" else status,
        **{name: _clean(getattr(message, name)) for name in ("text", "reasoning", "model", "finish_reason")},
        "problem": message.problem and json.dumps(_problem(message.problem).members()),
        **{name: getattr(message, name) for name in TOKENS},
        "cost_nano": None if message.cost is None else round(message.cost * NANO),
        "created_at": _ms(message.created_at),
        "rounds": IMPORTED,
    }


def _clean(told: str | None) -> str | None:
    return told and without_keys(storable(told))


def _problem(code: str) -> Problem:
    """What failed, in the words that it has here."""
    kinds = [Problem]
    for kind in kinds:  # which grow meanwhile
        kinds += kind.__subclasses__()
    return next((kind() for kind in kinds if kind.code == code), Problem())


def _ms(time: datetime) -> int:
    """Milliseconds since 1970; what is to come has not happened."""
    return max(0, min(now_ms(), (time - EPOCH) // timedelta(milliseconds=1)))
