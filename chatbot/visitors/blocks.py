"""Blocks: who may not ask until a time, by the operator's word or for their conduct. They count at once, everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, delete, select, text

from chatbot.db import now_ms, reading, writing
from chatbot.errors import LimitReached
from chatbot.tables import blocks
from chatbot.visitors.who import Visitor

CONDUCT = "several messages were blocked by moderation"  # why, where no operator has decided it
_LONGEST = text(
    "SELECT subject, why, until FROM blocks WHERE subject IN (:visitor, :network) AND until > :now"
    " ORDER BY until DESC LIMIT 1"
)
_SET = text(
    "INSERT INTO blocks (subject, why, until, set_at) VALUES (:subject, :why, :until, :now) ON CONFLICT (subject)"
    " DO UPDATE SET why = excluded.why, until = excluded.until, set_at = excluded.set_at"
    " WHERE NOT :only_longer OR blocks.until < excluded.until"
)


@dataclass(frozen=True)
class Block:
    """`subject`: visitor/<id> or network/<keyed hash>, as a Visitor has them; times in milliseconds."""

    subject: str
    why: str
    until: int
    set_at: int


def block(engine: Engine, subject: str, why: str, until_ms: int, *, only_longer: bool = False) -> None:
    """Block until then, instead of an older block; with `only_longer`, never for less than that."""
    values = {"subject": subject, "why": why, "until": until_ms, "now": now_ms(), "only_longer": only_longer}
    with writing(engine) as connection:
        connection.execute(delete(blocks).where(blocks.c.until <= now_ms()))
        connection.execute(_SET, values)


def unblock(engine: Engine, subject: str) -> bool:
    """Let them ask again; False when they were not blocked."""
    with writing(engine) as connection:
        gone = connection.execute(delete(blocks).where(blocks.c.subject == subject).returning(blocks.c.until)).all()
    return any(row.until > now_ms() for row in gone)


def current(engine: Engine) -> list[Block]:
    """Those that hold now, the one that ends first at the head."""
    with reading(engine) as connection:
        found = connection.execute(select(blocks).where(blocks.c.until > now_ms()).order_by(blocks.c.until))
        return [Block(**row) for row in found.mappings()]


def refuse_blocked(engine: Engine, visitor: Visitor) -> None:
    """Raises LimitReached, with the time to wait, when the visitor or their network is blocked: one indexed query."""
    subjects = {"visitor": f"visitor/{visitor.id}", "network": f"network/{visitor.network}"}
    with reading(engine) as connection:
        found = connection.execute(_LONGEST, subjects | {"now": now_ms()}).first()
    if found is None:
        return
    who = "you" if found.subject == subjects["visitor"] else "your network"
    words = f"Messages from {who} are not answered here for now."
    if found.why == CONDUCT:
        words += " Several of them went against the usage rules."
    raise LimitReached(words, cause=f"{found.subject[:16]} is blocked", retry_after=(found.until - now_ms()) / 1000)
