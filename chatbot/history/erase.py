"""Deleting chats, for good: asked for by their visitor, by their age, or because they were temporary.

A chat is first taken from its visitor, which puts it out of everybody's reach at once, and then taken apart in short
transactions. What a crash leaves of it is nobody's, and is found and finished by the next to clear away.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, bindparam, delete, exists, literal_column, select, text, update

from chatbot.chats.conversations import LOCKED_CHAT, ask_to_stop, owned
from chatbot.chats.live import LiveReplies
from chatbot.db import DAY_MS, HOUR_MS, now_ms, reading, writing
from chatbot.history.forgetting import forget_words
from chatbot.history.pace import Pace
from chatbot.money.ledger import Ledger
from chatbot.tables import chats, messages, passages, reservations

Live = Iterable[LiveReplies]  # what this process makes
NOBODY = ""  # no visitor's id
BATCH = 200  # chats, or messages, in one transaction
WORDS_BATCH = 20  # rows of passages, each of some thousand words
PATIENCE_S = 15
SETTLED_S = 3  # within which answers that were stopped have ended and are booked
POLL_S = 0.1
LINGER_MS = 3_000  # in which listeners in other workers hear how a temporary answer ended

# All that are live, by their own small index: to look through the messages of each chat takes long where it has many.
_LIVE = chats.c.id.in_(select(messages.c.chat).where(messages.c.status == literal_column("'streaming'")))
_DISOWN = update(chats).values(visitor=NOBODY, title="", updated_at=0, temporary=0)
_FORGOTTEN = text(
    "INSERT INTO limit_counters (key, slot, current, previous, expires_at) VALUES (:key, 0, 1, 0, :until)"
    " ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at"
)
_SOME = select(messages.c.id).where(messages.c.chat == bindparam("chat")).limit(BATCH)
_DELETE_SOME = delete(messages).where(messages.c.chat == bindparam("chat"), messages.c.id.in_(_SOME))
_SOME_WORDS = select(passages.c.id).where(passages.c.chat == bindparam("chat")).limit(WORDS_BATCH)
_DELETE_WORDS = delete(passages).where(passages.c.id.in_(_SOME_WORDS))
_DELETE_CHAT = delete(chats).where(chats.c.id == bindparam("chat"))


def delete_chat(engine: Engine, live: Live, chat: str, visitor: str) -> None:
    """Stop its answer, if one is live, and delete it. Raises NotFound."""
    with reading(engine) as connection:
        id = owned(connection, chat, visitor).id
    _delete(engine, live, (chats.c.id == id) & (chats.c.visitor == visitor))


def delete_chats(engine: Engine, live: Live, visitor: str) -> None:
    """Likewise all chats of a visitor."""
    _delete(engine, live, chats.c.visitor == visitor)


def forget_visitor(engine: Engine, live: Live, ledger: Ledger, visitor: str) -> None:
    """Delete all chats of a visitor; what was spent stays in the ledger, but leads back to nobody."""
    with writing(engine) as connection:  # first: what is being imported is not handed over any more
        connection.execute(_FORGOTTEN, {"key": forgotten(visitor), "until": now_ms() + HOUR_MS})
    delete_chats(engine, live, visitor)
    held = select(reservations.c.id).where(reservations.c.visitor == visitor).limit(1)
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline and _ids(engine, held):
        time.sleep(POLL_S)
    ledger.unlink(visitor)


def forgotten(visitor: str) -> str:
    """The row of `limit_counters` that is there for an hour after a visitor was forgotten."""
    return f"forgotten/{visitor}"


def drop_temporary(engine: Engine) -> None:
    """Delete the temporary chats whose answer has ended, some seconds ago."""
    beat = (messages.c.chat == chats.c.id) & (messages.c.heartbeat_at > now_ms() - LINGER_MS)
    asked = chats.c.updated_at < now_ms() - LINGER_MS  # looked at again, when a question has locked its chat meanwhile
    late = asked & ~_LIVE & ~exists().where(beat)
    # At once: it has two messages, and is in no search.
    if _change(engine, (chats.c.temporary == literal_column("1")) & late, delete(chats)):
        write_over(engine)


def retire(engine: Engine, days: int) -> None:
    """Delete the chats that nobody has written in for so many days, 0 for none; and what others left half-deleted."""
    if days:
        old = (chats.c.updated_at < now_ms() - days * DAY_MS) & (chats.c.visitor != NOBODY) & ~_LIVE
        _change(engine, old, _DISOWN)
    clear_away(engine)


def clear_away(engine: Engine) -> None:
    """Take apart what is nobody's; what is younger than an hour may be on its way in."""
    nobodys = (chats.c.visitor == NOBODY) & (chats.c.updated_at < now_ms() - HOUR_MS)
    while ids := _ids(engine, _batch(nobodys)):
        _take_apart(engine, ids)


def write_over(engine: Engine) -> None:
    """SQLite writes over what is deleted when its log goes into its file: that may be now, unless somebody reads."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _delete(engine: Engine, live: Live, which: ColumnElement[bool]) -> None:
    """Stop what is made for chats, take them from their visitors, and take them apart; what would take longer than
    PATIENCE_S is left to the chore."""
    for id in _ids(engine, select(chats.c.id).where(which, _LIVE)):
        ask_to_stop(engine, id)
    ids = _change(engine, which, _DISOWN)
    for replies in live:
        for id in ids:
            if (reply := replies.get(id)) is not None:
                reply.stop()
    _take_apart(engine, ids, time.monotonic() + PATIENCE_S)


def _change(engine: Engine, which: ColumnElement[bool], how: Any) -> list[str]:
    """Do to chats what the statement `how` does to all; their ids."""
    pace, changed = Pace(engine), list[str]()
    while _ids(engine, _batch(which)):
        with pace.writing() as connection:
            ids = connection.execute(_batch(which).with_for_update()).scalars().all()
            connection.execute(how.where(chats.c.id.in_(ids)))
        changed += ids
    return changed


def _batch(which: ColumnElement[bool]) -> Select[Any]:
    """Everybody locks them in the same order."""
    return select(chats.c.id).where(which).order_by(chats.c.id).limit(BATCH)


def _take_apart(engine: Engine, ids: list[str], deadline: float = math.inf) -> None:
    pace = Pace(engine)
    for id in ids:
        while time.monotonic() < deadline and not _take_some(pace, id):
            pass
    if ids:
        forget_words(engine)
        write_over(engine)


def _take_some(pace: Pace, chat: str) -> bool:
    """Delete some of its words and messages, with the last ones the chat; True when it is gone, or not to be deleted:
    whoever had deleted it may have brought it in again."""
    with pace.writing() as connection:
        row = connection.execute(LOCKED_CHAT, {"chat": chat}).first()
        if row is None or row.visitor != NOBODY or row.updated_at >= now_ms() - HOUR_MS:
            return True
        if connection.execute(_DELETE_WORDS, {"chat": chat}).rowcount == WORDS_BATCH:
            return False
        is_rest = connection.execute(_DELETE_SOME, {"chat": chat}).rowcount < BATCH
        if is_rest:
            connection.execute(_DELETE_CHAT, {"chat": chat})
    return is_rest


def _ids(engine: Engine, which: Select[Any]) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(which).scalars())
