"""Storing a question and its waiting answer: a new question, an edited one, or an old one to be answered again."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, insert

from chatbot.chats.asked import Ask, Asked
from chatbot.chats.continuing import begin_again, go_on, told
from chatbot.chats.conversations import CHANGE_CHAT, LOCKED_CHAT, MESSAGE, path, shown_status, storable
from chatbot.chats.title import title_of
from chatbot.db import DEAD_AFTER_MS, now_ms, writing
from chatbot.errors import BadRequest, NotFound, ReplyRunning
from chatbot.tables import chats, messages

_NEW_CHAT = insert(chats)
_NEW_MESSAGES = insert(messages)
_DROP_REST = delete(messages).where(  # what has ended of a temporary chat
    messages.c.chat == bindparam("of_chat"), messages.c.id.not_in(bindparam("kept", expanding=True))
)


def ask(engine: Engine, wanted: Ask) -> Asked:
    """Store the question and an empty answer, all or nothing. Raises NotFound, ReplyRunning or BadRequest."""
    answer = "a" + secrets.token_urlsafe(12)
    with writing(engine) as connection:
        chat = connection.execute(LOCKED_CHAT, {"chat": wanted.chat}).first()
        newest = _newest(connection, wanted, chat) if chat else []
        above: list[Row[Any]] = []
        if chat is None:
            question = _first_question(connection, wanted, answer)
        elif wanted.cut:
            return go_on(wanted.cut, newest)
        else:
            moved = {"of_chat": wanted.chat, "head": answer, "updated_at": now_ms()}
            if wanted.said is not None:
                question = _question(wanted, None, parent=None)
                moved["seal"] = wanted.said.seal
            else:
                above, question = (_old_question if wanted.again else _next_question)(connection, wanted, newest)
            connection.execute(CHANGE_CHAT, moved)
        waiting = _message(wanted, answer, parent=question["id"], role="assistant", status="streaming")
        connection.execute(_NEW_MESSAGES, [question, waiting] if "role" in question else [waiting])
    before = told(above) if wanted.said is None else wanted.said.turns
    return Asked(question["id"], answer, [*before, ("user", question["text"])])


def once_held(engine: Engine, wanted: Ask, asked: Asked) -> None:
    """What waits until the money is held: who books an answer locks budgets before messages, and so must this."""
    with writing(engine) as connection:
        if asked.begun.rounds:
            begin_again(connection, wanted, asked)
        if wanted.said is not None:
            connection.execute(_DROP_REST, {"of_chat": wanted.chat, "kept": [asked.question, asked.answer]})


def _newest(connection: Connection, wanted: Ask, chat: Row[Any]) -> list[Row[Any]]:
    """The messages of the version being read, if the visitor may ask in this chat now."""
    if chat.visitor != wanted.visitor:
        raise NotFound()
    newest = path(connection, wanted.chat, chat.head)
    if newest and shown_status(newest[-1]) == "streaming":
        raise ReplyRunning(retry_after=DEAD_AFTER_MS / 1000)
    if bool(chat.temporary) != (wanted.said is not None):
        raise BadRequest("A chat is temporary from its first message on, or never.", field="temporary")
    return newest


def _first_question(connection: Connection, wanted: Ask, answer: str) -> dict[str, Any]:
    """Open the chat with its first question."""
    if wanted.target or not wanted.text.strip():
        raise NotFound()
    title = title_of(wanted.text) if wanted.said is None else ""
    times = {"created_at": now_ms(), "updated_at": now_ms()}
    chat = {"id": wanted.chat, "visitor": wanted.visitor, "title": title, "head": answer, **times}
    kind = {"temporary": int(wanted.said is not None), "seal": wanted.said.seal if wanted.said else None}
    connection.execute(_NEW_CHAT, {**chat, **kind})
    return _question(wanted, wanted.message, parent=None)


def _next_question(
    connection: Connection, wanted: Ask, newest: list[Row[Any]]
) -> tuple[list[Row[Any]], dict[str, Any]]:
    """The question under the newest message or, as another version, beside the one it edits; and what stands above."""
    if not wanted.text.strip():
        raise BadRequest("There is no message, or it is empty.", field="messages")
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
