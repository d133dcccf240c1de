"""What can be searched: the words of a chat's title and of its finished messages, kept in a few rows for each chat."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, func, literal_column, select, text, update

from chatbot.chats.conversations import CHAT
from chatbot.db import NAP_S, reading, writing
from chatbot.history.erase import NOBODY
from chatbot.history.words import mark, words
from chatbot.tables import chats, messages, passages

ROW_WORDS = 1000  # a row that has as many is full, and a text of more is cut
OVERLAP_WORDS = 16  # of such a text, so that what stands at a cut is found, too
TITLE = 0  # the number of a chat's row for its title
CHATS = 50  # that wait for the chore; it works on them for so many seconds, until its next time
STRETCH_S = 0.2
PART_CHARS = 100_000  # of messages, that are indexed in one transaction

_LOCKED = CHAT.with_for_update(key_share=True)  # FOR NO KEY UPDATE
_LAST = (
    select(passages.c.number, passages.c.upto, passages.c.size)
    .where(passages.c.chat == bindparam("chat"))
    .order_by(passages.c.number.desc())
    .limit(1)
)
_IS_NEW = messages.c.searchable == literal_column("0")  # as it stands in the index of these
_NEW = (
    select(messages.c.created_at, func.length(messages.c.text).label("chars"))
    .where(messages.c.chat == bindparam("chat"), messages.c.status != "streaming", _IS_NEW)
    .order_by(messages.c.created_at)
)
_TEXTS = (
    select(messages.c.id, messages.c.text, messages.c.created_at)
    .where(messages.c.chat == bindparam("chat"), messages.c.status != "streaming", _IS_NEW)
    .where(messages.c.created_at <= bindparam("upto"))
    .order_by(messages.c.created_at, messages.c.id)
)
_ANEW = update(messages).where(messages.c.chat == bindparam("of_chat")).values(searchable=0)
_live = messages.alias()
_WAITING = (
    select(messages.c.chat)
    .join(chats, chats.c.id == messages.c.chat)
    .where(_IS_NEW, chats.c.temporary == 0, chats.c.visitor != NOBODY)
    .where(messages.c.chat.not_in(select(_live.c.chat).where(_live.c.status == literal_column("'streaming'"))))
    .group_by(messages.c.chat)
    .order_by(messages.c.chat)
    .limit(CHATS)
)
_DONE = (
    update(messages)
    .where(messages.c.chat == bindparam("of_chat"), messages.c.id == bindparam("of_message"))
    .values(searchable=1)
)
_FORGET = delete(passages).where(passages.c.chat == bindparam("chat"), passages.c.number > TITLE)
_ADD = (
    "INSERT INTO passages (chat, number, since, upto, size, words)"
    " VALUES (:chat, :number, :since, :upto, :size, :words) ON CONFLICT (chat, number) DO UPDATE SET "
)
_APPEND = text(
    _ADD + "upto = excluded.upto, size = passages.size + excluded.size, words = passages.words || excluded.words"
)
_REPLACE = text(_ADD + "words = excluded.words WHERE passages.words <> excluded.words")


@dataclass
class _Part:
    """What comes into one row."""

    since: int
    upto: int = 0
    words: list[str] = field(default_factory=list)


def index(engine: Engine, chat: str) -> None:
    """Let a search find the title of this chat and every message of it that has ended; not of a temporary one."""
    while _index_some(engine, chat):
        time.sleep(NAP_S)  # a long chat goes in parts, between which others write


def _index_some(engine: Engine, chat: str) -> bool:
    """The next messages, about PART_CHARS of them; is there more to do?"""
    with writing(engine) as connection:
        row = connection.execute(_LOCKED, {"chat": chat}).first()
        if row is None or row.temporary or row.visitor == NOBODY:
            return False
        index_title(connection, row)
        last = connection.execute(_LAST, {"chat": chat}).one()
        waiting = connection.execute(_NEW, {"chat": chat}).all()
        if waiting and waiting[0].created_at <= last.upto:  # not younger than what is in the index: it may have grown
            connection.execute(_FORGET, {"chat": chat})
            connection.execute(_ANEW, {"of_chat": chat})
            return True
        upto = _end_of_part(waiting)
        new = connection.execute(_TEXTS, {"chat": chat, "upto": upto}).all()
        for number, part in _parts(last, new).items():
            values = {"chat": chat, "number": number, "since": part.since, "upto": part.upto, "size": len(part.words)}
            connection.execute(_APPEND, {**values, "words": _stored(connection, row.visitor, part.words)})
        if new:
            connection.execute(_DONE, [{"of_chat": chat, "of_message": message.id} for message in new])
    return len(new) < len(waiting)


def _end_of_part(waiting: Sequence[Row[*tuple[Any, ...]]]) -> int:
    """When the last message of the next part was made; those of one moment stay together."""
    chars, upto = 0, -1
    for message in waiting:
        if chars >= PART_CHARS and message.created_at > upto:
            break
        chars, upto = chars + message.chars, message.created_at
    return upto


def index_title(connection: Connection, chat: Row[Any]) -> None:
    """Let a search find the title of this row of chats, and no longer the one before it. The row must be locked."""
    if not chat.temporary:
        title = _stored(connection, chat.visitor, words(chat.title))
        row = {"chat": chat.id, "number": TITLE, "since": -1, "upto": -1, "size": ROW_WORDS, "words": title}
        connection.execute(_REPLACE, row)


def index_rest(engine: Engine) -> None:
    """A chore: do so for some chats of which nobody has: of an older version, imported, or left by a crash."""
    deadline = time.monotonic() + STRETCH_S
    with reading(engine) as connection:
        waiting = connection.execute(_WAITING).scalars().all()
    for chat in waiting:
        if time.monotonic() < deadline:
            index(engine, chat)


def _parts(last: Row[*tuple[Any, ...]], new: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, _Part]:
    """The words of these messages by the number of the row in which they come; the last one may have room."""
    parts: dict[int, _Part] = {}
    number, size = last.number, last.size
    for message in new:
        for piece in _pieces(words(message.text)):
            if size >= ROW_WORDS:
                number, size = number + 1, 0
            part = parts.setdefault(number, _Part(message.created_at))
            part.words += piece
            part.upto = message.created_at
            size += len(piece)
    return parts


def _pieces(found: list[str]) -> Iterator[list[str]]:
    for start in range(0, max(1, len(found) - OVERLAP_WORDS), ROW_WORDS):
        yield found[start : start + ROW_WORDS + OVERLAP_WORDS]


def _stored(connection: Connection, visitor: str, found: list[str]) -> str:
    """The words as the column has them: a tsvector is made here, because PostgreSQL has its own idea of what a word is.

    No word has a sign that would have to be quoted.
    """
    start = mark(visitor)
    if connection.dialect.name == "postgresql":
        return " ".join(f"'{start}{word}':{place}" for place, word in enumerate(found, 1))
    return "".join(f"{start}{word} " for word in found)
