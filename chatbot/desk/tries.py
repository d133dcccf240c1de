"""The tries at the desk's password: ten wrong ones, whoever makes them, and none is heard for a quarter of an hour.

Each takes one of ten places before the password is looked at, so that those made at the same moment count as well. The
places are rows of the limits' counters, whatever store the limits use: the count is one for all workers and restarts.
"""

from __future__ import annotations

from sqlalchemy import Engine, delete, select, text

from chatbot.db import now_ms, reading, writing
from chatbot.errors import LimitReached
from chatbot.tables import limit_counters

MOST = 10
WINDOW_MS = 15 * 60_000
PLACES = [f"desk/{number}" for number in range(MOST)]
_TAKE = text(
    "INSERT INTO limit_counters (key, slot, current, previous, expires_at) VALUES (:place, 0, 1, 0, :until)"
    " ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE limit_counters.expires_at <= :now"
)


def take(engine: Engine) -> str:
    """Take a place. Raises LimitReached, with the time until one is free, when there is none."""
    now = now_ms()
    while len(taken := _taken(engine, now)) < MOST:
        place = next(place for place in PLACES if place not in taken)
        with writing(engine) as connection:
            if connection.execute(_TAKE, {"place": place, "now": now, "until": now + WINDOW_MS}).rowcount:
                return place
    wait_s = (min(taken.values()) - now_ms()) / 1000  # others may have come while this one waited for the database
    raise LimitReached("Too many wrong passwords were tried. Please wait.", cause="desk locked", retry_after=wait_s)


def give_back(engine: Engine, place: str) -> None:
    """The password was right."""
    with writing(engine) as connection:
        connection.execute(delete(limit_counters).where(limit_counters.c.key == place))


def are_used_up(engine: Engine) -> bool:
    return len(_taken(engine, now_ms())) == MOST


def _taken(engine: Engine, now: int) -> dict[str, int]:
    """The places that are taken, and until when."""
    counters = limit_counters.c
    taken = select(counters.key, counters.expires_at).where(counters.key.in_(PLACES), counters.expires_at > now)
    with reading(engine) as connection:
        return {row.key: row.expires_at for row in connection.execute(taken)}
