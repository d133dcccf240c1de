"""Where it stands: a piece of the message in which a search found its words."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, or_, select

from chatbot.history.search import sought, stands
from chatbot.history.words import Term, fold
from chatbot.tables import messages, passages

SNIPPET_CHARS = 120
MOST_TEXTS, MOST_CHARS = 20, 20_000  # of a chat that are looked at, and of a text


def snippets(connection: Connection, visitor: str, ids: list[str], wanted: list[Term]) -> dict[str, str]:
    """By chat; nothing for one where only the title has the words. Plain text, in one line."""
    dialect = connection.dialect.name
    texts: dict[str, list[str]] = defaultdict(list)
    values = {"chats": ids, **sought(dialect, visitor, wanted)}
    for chat, text in connection.execute(_texts(dialect, len(wanted)), values):
        if len(texts[chat]) < MOST_TEXTS:
            texts[chat].append(text)
    patterns = [re.compile(term.pattern) for term in sorted(wanted, key=lambda term: -len(term.text))]
    found = {chat: _snippet(said, patterns) for chat, said in texts.items()}
    return {chat: snippet for chat, snippet in found.items() if snippet}


@cache
def _texts(dialect: str, count: int) -> Select[Any]:
    """The messages of the first row of each chat that has one of the terms, oldest first."""
    rows = (
        select(func.min(passages.c.id))
        .where(passages.c.chat.in_(bindparam("chats", expanding=True)), passages.c.number > 0)
        .where(or_(*(stands(dialect, number) for number in range(count))))
        .group_by(passages.c.chat)
    )
    said = messages.c.created_at.between(passages.c.since, passages.c.upto)
    return (
        select(messages.c.chat, func.substr(messages.c.text, 1, MOST_CHARS))
        .join(passages, (passages.c.chat == messages.c.chat) & said)
        .where(passages.c.id.in_(rows))
        .order_by(messages.c.chat, messages.c.created_at, messages.c.id)
    )


def _snippet(texts: list[str], patterns: list[re.Pattern[str]]) -> str:
    """Of the first text in which most of the patterns stand, around the first place of the first of them."""
    found = [(text, fold(text)) for text in texts]
    text, folded = max(found, key=lambda each: sum(pattern.search(each[1]) is not None for pattern in patterns))
    place = next((match for pattern in patterns if (match := pattern.search(folded))), None)
    if place is None:
        return ""
    start, end = (_unfolded(text, folded, at) for at in place.span())
    before = max(0, (SNIPPET_CHARS - (end - start)) // 2)
    first = max(0, start - before)
    last = max(end, first + SNIPPET_CHARS)
    said = " ".join(text[first:last].split())
    return ("…" if first else "") + said + ("…" if last < len(text) else "")


def _unfolded(text: str, folded: str, place: int) -> int:
    """The place in the text of one in the folded text, which may be longer or shorter."""
    if len(text) == len(folded):
        return place
    return bisect_left(range(len(text)), place, key=lambda end: len(fold(text[:end])))
