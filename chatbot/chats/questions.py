"""Storing a question and its waiting answer: a new one, an edited one, or an old one to be answered again."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, insert, update

from chatbot.chats.conversations import CHAT, MESSAGE, path, shown_status, storable
from chatbot.db import DEAD_AFTER_MS, now_ms, writing
from chatbot.errors import BadRequest, Blocked, NotFound, ReplyRunning
from chatbot.tables import chats, messages

TITLE_CHARS = 60
_LOCKED_CHAT = CHAT.with_for_update()  # two questions at once take turns; SQLite's transactions do so anyway
_NEW_CHAT = insert(chats)
_NEW_MESSAGES = insert(messages)
_MOVE_HEAD = update(chats).where(chats.c.id == bindparam("of_chat"))


@dataclass(frozen=True)
class Ask:
    """What a visitor asks for. `message`: the client's name for the question, kept if it is free.

    `again`: no new question, but a new answer. `target`: the message to edit or to answer again; None is the newest.
    """

    chat: str
    visitor: str
    model: str
    again: bool = False
    text: str = ""
    message: str | None = None
    target: str | None = None
    network: str = ""


@dataclass(frozen=True)
class Asked:
    """A stored question with its waiting answer. `turns`: (role, text) from the oldest to the question."""

    question: str
    answer: str
    turns: list[tuple[str, str]]


def ask(engine: Engine, wanted: Ask) -> Asked:
    """Store the question and an empty answer, all or nothing. Raises NotFound, ReplyRunning or BadRequest."""
    answer = "a" + secrets.token_urlsafe(12)
    with writing(engine) as connection:
        chat = connection.execute(_LOCKED_CHAT, {"chat": wanted.chat}).first()
        above: list[Row[Any]] = []
        if chat is None:
            question = _first_question(connection, wanted, answer)
        else:
            if chat.visitor != wanted.visitor:
                raise NotFound()
            newest = path(connection, wanted.chat, chat.head)
            if shown_status(newest[-1]) == "streaming":
                raise ReplyRunning(retry_after=DEAD_AFTER_MS / 1000)
            above, question = (_old_question if wanted.again else _next_question)(connection, wanted, newest)
            moved = {"of_chat": wanted.chat, "head": answer, "updated_at": now_ms()}
            connection.execute(_MOVE_HEAD, moved)
        waiting = _message(wanted, answer, parent=question["id"], role="assistant", status="streaming")
        connection.execute(_NEW_MESSAGES, [question, waiting] if "role" in question else [waiting])
    return Asked(question["id"], answer, [*_told(above), ("user", question["text"])])


def _told(above: list[Row[Any]]) -> list[tuple[str, str]]:
    """What the model is told of the chat. A question that moderation blocked would have every later one blocked."""
    blocked = {row.parent for row in above if row.problem and json.loads(row.problem).get("code") == Blocked.code}
    return [(row.role, row.text) for row in above if row.text and row.id not in blocked]


def _first_question(connection: Connection, wanted: Ask, answer: str) -> dict[str, Any]:
    """Open the chat with its first question."""
    if wanted.target or not wanted.text.strip():
        raise NotFound()
    title = storable(" ".join(wanted.text.split())[:TITLE_CHARS])
    times = {"created_at": now_ms(), "updated_at": now_ms()}
    chat = {"id": wanted.chat, "visitor": wanted.visitor, "title": title, "head": answer, **times}
    connection.execute(_NEW_CHAT, chat)
    return _question(wanted, wanted.message, parent=None)


def _next_question(
    connection: Connection, wanted: Ask, newest: list[Row[Any]]
) -> tuple[list[Row[Any]], dict[str, Any]]:
    """The question under the newest message or, as another version, beside the one it edits; and what stands above."""
    twin = _find(connection, wanted.chat, wanted.message)
    edited = _find(connection, wanted.chat, wanted.target) or (twin if twin and twin.role == "user" else None)
    if wanted.target and edited is None:
        raise NotFound("The message to edit does not exist.", field="messageId")
    if edited is not None and edited.role != "user":
        raise BadRequest("Only a question can be edited.", field="messageId")
    above = newest if edited is None else path(connection, wanted.chat, edited.parent)
    name = None if twin else wanted.message
    return above, _question(wanted, name, parent=above[-1].id if above else None)


def _old_question(connection: Connection, wanted: Ask, newest: list[Row[Any]]) -> tuple[list[Row[Any]], dict[str, Any]]:
    """The question whose answer is to be made again, the target's or the newest; and what stands above it.

    A client whose last question was refused, and so not stored, asks for its answer again: then it is a new one.
    """
    found = path(connection, wanted.chat, wanted.target) if wanted.target else newest
    if found and found[-1].role == "assistant":
        found = found[:-1]
    if not wanted.target and wanted.text.strip() and found[-1].text != storable(wanted.text):
        return _next_question(connection, replace(wanted, message=None), newest)
    if not found:
        raise NotFound("There is no such message to answer.", field="messageId")
    return found[:-1], {"id": str(found[-1].id), "text": found[-1].text}


def _question(wanted: Ask, name: str | None, parent: str | None) -> dict[str, Any]:
    id = name or "q" + secrets.token_urlsafe(12)
    return _message(wanted, id, parent=parent, role="user", status="complete", text=storable(wanted.text))


def _message(wanted: Ask, id: str, *, text: str = "", **values: Any) -> dict[str, Any]:
    fixed = {"chat": wanted.chat, "id": id, "model": wanted.model, "text": text, "reasoning": ""}
    return {**fixed, **values, "left_out": 0, "stop_asked": 0, "created_at": now_ms(), "heartbeat_at": now_ms()}


def _find(connection: Connection, chat: str, id: str | None) -> Row[Any] | None:
    return connection.execute(MESSAGE, {"chat": chat, "id": id}).first() if id else None
