"""A visitor's chats in pages, the newest first: all of them, or those that hold what is searched for."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Engine, Select, bindparam, literal_column, select, true, tuple_

from chatbot.chats.conversations import CHANGE_CHAT, owned, storable
from chatbot.db import DEAD_AFTER_MS, now_ms, reading, writing
from chatbot.history.passages import index_title
from chatbot.history.search import holding, prepare, sought
from chatbot.history.snippets import snippets
from chatbot.history.words import terms
from chatbot.tables import chats, messages

Place = tuple[int, str]  # of a chat among the others: when it was last written in, and its id
START: Place = (2**62, "")

_LIVE = select(messages.c.chat).where(
    messages.c.status == literal_column("'streaming'"),  # as it stands in the index of these
    messages.c.heartbeat_at >= bindparam("alive_since"),
)
_PAGE = (
    select(chats.c.id, chats.c.title, chats.c.created_at, chats.c.updated_at, chats.c.id.in_(_LIVE).label("live"))
    .where(chats.c.visitor == bindparam("visitor"), chats.c.temporary == 0)
    .where(tuple_(chats.c.updated_at, chats.c.id) < tuple_(bindparam("time"), bindparam("id")))
    .order_by(chats.c.updated_at.desc(), chats.c.id.desc())
    .limit(bindparam("rows"))
)


def page(
    engine: Engine, visitor: str, query: str, before: Place, limit: int
) -> tuple[list[dict[str, Any]], Place | None]:
    """So many chats of a visitor as the API tells them; and the place before which the next page is, if there is one.

    A chat is found where all words of the query stand in it, in its title or in any version of its messages; where one
    stands in a message, a `snippet` shows it.
    """
    wanted = terms(query)
    if query.strip() and not wanted:
        return [], None
    values = {"visitor": visitor, "time": before[0], "id": before[1], "rows": limit + 1}
    with reading(engine) as connection:
        dialect = connection.dialect.name
        prepare(connection, searching=bool(wanted))
        values |= {"alive_since": now_ms() - DEAD_AFTER_MS, **sought(dialect, visitor, wanted)}
        rows = connection.execute(_page(dialect, len(wanted)), values).all()
        found = [{**row._asdict(), "live": bool(row.live)} for row in rows[:limit]]
        shown = snippets(connection, visitor, [chat["id"] for chat in found], wanted) if wanted and found else {}
    for chat in found:
        chat |= {"snippet": shown[chat["id"]]} if chat["id"] in shown else {}
    return found, (found[-1]["updated_at"], found[-1]["id"]) if len(rows) > limit else None


@cache
def _page(dialect: str, count: int) -> Select[Any]:
    if not count:
        return _PAGE
    found = chats.c.id.in_(select(holding(dialect, count).c.chat))
    return _PAGE.where(found.is_(true()))  # so PostgreSQL looks through the chats in their order, and does not join


def rename(engine: Engine, chat: str, visitor: str, title: str) -> None:
    """Give a chat another title. Raises NotFound."""
    with writing(engine) as connection:
        owned(connection, chat, visitor, lock=True)
        connection.execute(CHANGE_CHAT, {"of_chat": chat, "title": storable(title)})
        index_title(connection, owned(connection, chat, visitor))
