"""Taking chats out: one as JSON or Markdown, or all of them in a zip, read piece by piece while they are sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, bindparam, select

from chatbot.chats.conversations import CHAT, shown_status
from chatbot.db import reading
from chatbot.history.archive import pack
from chatbot.history.portable import chat_of, message_of, time_of
from chatbot.tables import chats, messages

PAGE = 20  # messages, with their texts, that are in memory at a time
NAME_CHARS, NAME_BYTES = 60, 150  # of a title in a file's name
TIME = "%Y-%m-%d %H:%M UTC"
WHO = {"user": "Question", "assistant": "Answer"}

_CHATS = (
    select(chats.c.id)
    .where(chats.c.visitor == bindparam("visitor"), chats.c.temporary == 0)
    .order_by(chats.c.created_at, chats.c.id)
)
_TREE = (
    select(messages.c.id, messages.c.parent)
    .where(messages.c.chat == bindparam("chat"))
    .order_by(messages.c.created_at, messages.c.role.desc(), messages.c.id)  # a question before its answer
)
_TEXTS = select(messages).where(
    messages.c.chat == bindparam("chat"), messages.c.id.in_(bindparam("ids", expanding=True))
)


def as_json(engine: Engine, chat: Row[Any]) -> Iterator[bytes]:
    """The whole chat with all versions, a message in each line."""
    yield msgspec.json.encode(chat_of(chat))[:-2]  # all but the end of the empty list of messages
    lead = b"\n"
    for rows in _pages(engine, chat.id, list(_tree(engine, chat.id))):
        for row in rows:
            yield lead + msgspec.json.encode(message_of(row))
            lead = b",\n"
    yield b"\n]}\n"


def as_markdown(engine: Engine, chat: Row[Any]) -> Iterator[bytes]:
    """The version being read, texts as they are."""
    parents, path, id = _tree(engine, chat.id), list[str](), chat.head
    while id in parents:
        path.append(id)
        id = parents.pop(id)
    yield f"# {' '.join(chat.title.split())}\n".encode()
    for rows in _pages(engine, chat.id, path[::-1]):
        for row in rows:
            yield f"\n## {_heading(row)}\n\n{row.text}\n".encode()


def all_zipped(engine: Engine, visitor: str) -> Iterator[bytes]:
    """All chats of a visitor but temporary ones, each as JSON and as Markdown, as they are when it is their turn."""
    return pack(_files(engine, visitor))


def file_name(chat: Row[Any]) -> str:
    """The day it began, and its title without what some file system, or an eye, would stumble over; no suffix."""
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in chat.title)
    words = " ".join(re.sub(r'[/\\:*?"<>|]', " ", plain).split())[:NAME_CHARS]
    return f"{time_of(chat.created_at):%Y-%m-%d} {words.encode()[:NAME_BYTES].decode(errors='ignore')}".strip()


def _files(engine: Engine, visitor: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    with reading(engine) as connection:
        ids = connection.execute(_CHATS, {"visitor": visitor}).scalars().all()
    taken: dict[str, int] = {}
    for id in ids:
        with reading(engine) as connection:
            chat = connection.execute(CHAT, {"chat": id}).first()
        if chat is not None and chat.visitor == visitor:  # it may have been deleted meanwhile
            name = _unique(file_name(chat), taken)
            yield f"{name}.json", as_json(engine, chat)
            yield f"{name}.md", as_markdown(engine, chat)


def _unique(name: str, taken: dict[str, int]) -> str:
    """Also where the file system takes capitals and small letters for the same. `taken`: how often, by name."""
    found = name
    while (key := found.casefold()) in taken:
        taken[name.casefold()] += 1
        found = f"{name} ({taken[name.casefold()]})"
    taken[key] = 1
    return found


def _tree(engine: Engine, chat: str) -> dict[str, str | None]:
    """The parent of each message, in the order in which they were made."""
    with reading(engine) as connection:
        return {row.id: row.parent for row in connection.execute(_TREE, {"chat": chat})}


def _pages(engine: Engine, chat: str, ids: list[str]) -> Iterator[list[Row[Any]]]:
    """The messages in the order of their ids, each page in a transaction of its own: who reads it may be slow."""
    for start in range(0, len(ids), PAGE):
        wanted = ids[start : start + PAGE]
        with reading(engine) as connection:
            found = {row.id: row for row in connection.execute(_TEXTS, {"chat": chat, "ids": wanted})}
        if found:
            yield [found[id] for id in wanted if id in found]


def _heading(row: Row[Any]) -> str:
    about = [WHO[row.role], f"{time_of(row.created_at):{TIME}}"]
    if row.role == "assistant":
        status = shown_status(row)
        about += [row.model or "", "" if status == "complete" else status]
    return ", ".join(filter(None, about))
