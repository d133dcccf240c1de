"""Deleting chats, for good: asked for by their visitor, by their age, or because they were temporary.

A chat is first taken from its visitor, which puts it out of everybody's reach at once, and then taken apart in short
transactions. What a crash leaves of it is nobody's, and is found and finished by the next to clear away.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, bindparam, delete, exists, literal_column, select, update

from chatbot.chats.conversations import LOCKED_CHAT, ask_to_stop, owned
from chatbot.chats.live import LiveReplies
from chatbot.db import DAY_MS, HOUR_MS, now_ms, reading
from chatbot.history.forgetting import forget_words
from chatbot.history.pace import Pace
from chatbot.money.ledger import Ledger
from chatbot.tables import chats, messages, reservations

NOBODY = ""  # no visitor's id
BATCH = 200  # chats, or messages, in one transaction
SETTLED_S = 3  # within which answers that were stopped have ended and are booked
POLL_S = 0.1
LINGER_MS = 3_000  # in which listeners in other workers hear how a temporary answer ended

# All that are live, by their own small index: to look through the messages of each chat takes long where it has many.
_LIVE = chats.c.id.in_(select(messages.c.chat).where(messages.c.status == literal_column("'streaming'")))
_STREAMING = select(chats.c.id).where(chats.c.visitor == bindparam("visitor"), _LIVE)
_HELD = select(reservations.c.id).where(reservations.c.visitor == bindparam("visitor")).limit(1)
_DISOWN = (
    update(chats)
    .where(chats.c.id.in_(bindparam("ids", expanding=True)))
    .values(visitor=NOBODY, title="", updated_at=0, temporary=0)
)
# What is older than an hour is not being imported.
_NOBODYS = (
    select(chats.c.id)
    .where(chats.c.visitor == NOBODY, chats.c.updated_at < bindparam("before"))
    .order_by(chats.c.id)
    .limit(BATCH)
)
_SOME = select(messages.c.id).where(messages.c.chat == bindparam("chat")).limit(BATCH)
_DELETE_SOME = delete(messages).where(messages.c.chat == bindparam("chat"), messages.c.id.in_(_SOME))
_DELETE_CHAT = delete(chats).where(chats.c.id == bindparam("chat"))


def delete_chat(engine: Engine, live: LiveReplies, chat: str, visitor: str) -> None:
    """Stop its answer, if one is live, and delete it. Raises NotFound."""
    with reading(engine) as connection:
        id = owned(connection, chat, visitor).id
    _stop(engine, live, [id])
    _disown(engine, (chats.c.id == id) & (chats.c.visitor == visitor))
    clear_away(engine)


def delete_chats(engine: Engine, live: LiveReplies, visitor: str) -> None:
    """Likewise all chats of a visitor."""
    _stop(engine, live, _ids(engine, _STREAMING, {"visitor": visitor}))
    _disown(engine, chats.c.visitor == visitor)
    clear_away(engine)


def forget_visitor(engine: Engine, live: LiveReplies, ledger: Ledger, visitor: str) -> None:
    """Delete all chats of a visitor; what was spent stays in the ledger, but leads back to nobody."""
    delete_chats(engine, live, visitor)
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline and _ids(engine, _HELD, {"visitor": visitor}):
        time.sleep(POLL_S)
    ledger.unlink(visitor)


def drop_temporary(engine: Engine) -> None:
    """Delete the temporary chats whose answer has ended, some seconds ago."""
    beat = (messages.c.chat == chats.c.id) & (messages.c.heartbeat_at > now_ms() - LINGER_MS)
    late = ~_LIVE & ~exists().where(beat)
    found = select(chats.c.id).where(chats.c.temporary == literal_column("1"), late).order_by(chats.c.id).limit(BATCH)
    pace, is_clear = Pace(engine), True
    while _ids(engine, found):
        is_clear = False
        with pace.writing() as connection:  # at once: it has two messages, and is in no search
            ids = connection.execute(found.with_for_update()).scalars().all()
            connection.execute(delete(chats).where(chats.c.id.in_(ids)))
    if not is_clear:
        _overwrite(engine)


def retire(engine: Engine, days: int) -> None:
    """Delete the chats that nobody has written in for so many days, 0 for none; and what others left half-deleted."""
    if days:
        _disown(engine, (chats.c.updated_at < now_ms() - days * DAY_MS) & (chats.c.visitor != NOBODY) & ~_LIVE)
    clear_away(engine)


def clear_away(engine: Engine) -> None:
    """Take apart what is nobody's."""
    pace, before, is_clear = Pace(engine), {"before": now_ms() - HOUR_MS}, True
    while ids := _ids(engine, _NOBODYS, before):
        is_clear = False
        for id in ids:
            while not _take_apart(pace, id):
                pass
    if not is_clear:
        forget_words(engine)
        _overwrite(engine)


def _take_apart(pace: Pace, chat: str) -> bool:
    """Delete some of its messages, with those the last ones the chat; True when it is gone."""
    with pace.writing() as connection:
        connection.execute(LOCKED_CHAT, {"chat": chat})
        is_rest = connection.execute(_DELETE_SOME, {"chat": chat}).rowcount < BATCH
        if is_rest:
            connection.execute(_DELETE_CHAT, {"chat": chat})
    return is_rest


def _overwrite(engine: Engine) -> None:
    """SQLite writes over what is deleted when its log goes into its file; that may be now, unless somebody reads."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _disown(engine: Engine, which: ColumnElement[bool]) -> int:
    """Take chats from their visitors; how many. Everybody locks them in the same order."""
    found = select(chats.c.id).where(which).order_by(chats.c.id).limit(BATCH)
    pace, count = Pace(engine), 0
    while _ids(engine, found):
        with pace.writing() as connection:
            ids = connection.execute(found.with_for_update()).scalars().all()
            connection.execute(_DISOWN, {"ids": ids})
        count += len(ids)
    return count


def _stop(engine: Engine, live: LiveReplies, ids: list[str]) -> None:
    for id in ids:
        ask_to_stop(engine, id)
        if (reply := live.get(id)) is not None:
            reply.stop()


def _ids(engine: Engine, which: Select[Any], values: dict[str, Any] | None = None) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(which, values or {}).scalars())
