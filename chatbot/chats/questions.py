"""Storing a question and its waiting answer: a new question, an edited one, or an old one to be answered again."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, insert

from chatbot.chats.asked import Ask
from chatbot.chats.continuing import begin_again, go_on, told
from chatbot.chats.conversations import CHANGE_CHAT, LOCKED_CHAT, MESSAGE, path, shown_status, storable
from chatbot.chats.live import LiveReply
from chatbot.chats.title import title_of
from chatbot.db import DEAD_AFTER_MS, now_ms, writing
from chatbot.errors import BadRequest, NotFound, ReplyRunning
from chatbot.tables import chats, messages

_NEW_CHAT = insert(chats)
_NEW_MESSAGES = insert(messages)
_DROP_REST = delete(messages).where(  # what has ended of a temporary chat
    messages.c.chat == bindparam("of_chat"), messages.c.id.not_in(bindparam("kept", expanding=True))
)


def ask(engine: Engine, wanted: Ask) -> tuple[LiveReply, list[tuple[str, str]]]:
    """Store the question and an empty answer, all or nothing; that answer, and what was said up to it: (role, text).

    Raises NotFound, ReplyRunning or BadRequest.
    """
    with writing(engine) as connection:
        chat = connection.execute(LOCKED_CHAT, {"chat": wanted.chat}).first()
        newest = _newest(connection, wanted, chat) if chat else []
        if chat and wanted.cut:
            return go_on(wanted, newest)
        above: list[Row[Any]] = []
        if chat is None:
            question = _first_question(wanted)
        elif wanted.said is not None:
            question = _question(wanted, None, parent=None)
        else:
            above, question = (_old_question if wanted.again else _next_question)(connection, wanted, newest)
        answer = _message(wanted, "a" + secrets.token_urlsafe(12), question["id"], role="assistant", status="streaming")
        _lead_to(connection, wanted, answer["id"], is_new=chat is None)
        connection.execute(_NEW_MESSAGES, [question, answer] if "role" in question else [answer])
    before = told(above) if wanted.said is None else wanted.said.turns
    reply = LiveReply(wanted.chat, answer["id"], question["id"], wanted.model)
    return reply, [*before, ("user", question["text"])]


def once_held(engine: Engine, wanted: Ask, reply: LiveReply) -> None:
    """What waits until the money is held: who books an answer locks budgets before messages, and so must this."""
    with writing(engine) as connection:
        if reply.begun.rounds:
            begin_again(connection, reply)
        if wanted.said is not None:
            connection.execute(_DROP_REST, {"of_chat": wanted.chat, "kept": [reply.question, reply.message]})


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


def _first_question(wanted: Ask) -> dict[str, Any]:
    if wanted.target or not wanted.text.strip():
        raise NotFound()
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
    """The question whose answer is to be made again, the target's or the newest, by id and text; and what is above it.

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
    return _message(wanted, id, parent, role="user", status="complete", text=storable(wanted.text))


def _message(wanted: Ask, id: str, parent: str | None, *, text: str = "", **values: Any) -> dict[str, Any]:
    fixed = {"chat": wanted.chat, "id": id, "parent": parent, "model": wanted.model, "text": text, "reasoning": ""}
    return {**fixed, **values, "left_out": 0, "stop_asked": 0, "created_at": now_ms(), "heartbeat_at": now_ms()}


def _lead_to(connection: Connection, wanted: Ask, answer: str, *, is_new: bool) -> None:
    """Open the chat, or read on in it, at this answer."""
    said, now = wanted.said, now_ms()
    chat = {"head": answer, "updated_at": now, "seal": said.seal if said else None}
    if is_new:
        title = title_of(wanted.text) if said is None else ""
        chat |= {"id": wanted.chat, "visitor": wanted.visitor, "title": title, "temporary": int(said is not None)}
        connection.execute(_NEW_CHAT, {**chat, "created_at": now})
    else:
        connection.execute(CHANGE_CHAT, {**chat, "of_chat": wanted.chat})


def _find(connection: Connection, chat: str, id: str | None) -> Row[Any] | None:
    return connection.execute(MESSAGE, {"chat": chat, "id": id}).first() if id else None
