"""Counters of limits in the app's own database: a storage for `limits`, exact across workers and restarts.

A sliding window is estimated from two fixed ones: the count of the current window plus that of the previous one,
weighted by how much of it still lies within the sliding one. One conditional statement counts and decides, so no two
callers can both take the last place. https://limits.readthedocs.io/en/stable/strategies.html#sliding-window-counter
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from limits.storage import SlidingWindowCounterSupport, Storage
from sqlalchemy import Connection, Engine, bindparam, delete, select, text
from sqlalchemy.exc import SQLAlchemyError

from chatbot.db import reading, writing
from chatbot.tables import limit_counters

_COUNTS = limit_counters.c.previous, limit_counters.c.current  # told, so that no call has to find out what comes back

# A row is as old as its slot: these are its counts as the caller's slot sees them. A machine whose clock is behind
# counts in the newer slot.
_CURRENT = "CASE WHEN limit_counters.slot >= :slot THEN limit_counters.current ELSE 0 END"
_PREVIOUS = """CASE WHEN limit_counters.slot >= :slot THEN limit_counters.previous
    WHEN limit_counters.slot = :slot - 1 THEN limit_counters.current ELSE 0 END"""

ACQUIRE = text(
    f"""
    INSERT INTO limit_counters (key, slot, current, previous, expires_at)
    VALUES (:key, :slot, :amount, 0, :expires_at)
    ON CONFLICT (key) DO UPDATE SET
        current = {_CURRENT} + :amount,
        previous = {_PREVIOUS},
        slot = CASE WHEN limit_counters.slot > :slot THEN limit_counters.slot ELSE :slot END,
        expires_at = :expires_at
    WHERE {_CURRENT} + :amount + ({_PREVIOUS}) * :weight <= :limit
    RETURNING previous, current
    """
).columns(*_COUNTS)
READ = text(f"SELECT {_PREVIOUS}, {_CURRENT} FROM limit_counters WHERE key = :key").columns(*_COUNTS)
_EXPIRED = select(limit_counters.c.key).where(limit_counters.c.expires_at < bindparam("now"))
EXPIRE = delete(limit_counters).where(limit_counters.c.key.in_(_EXPIRED.with_for_update(skip_locked=True)))


class DatabaseStorage(Storage, SlidingWindowCounterSupport):
    """Flask-Limiter's storage for `database://`; the engine comes by the option `engine`."""

    STORAGE_SCHEME = ["database"]

    def __init__(self, uri: str, *, engine: Any, wrap_exceptions: bool = False, **_options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._engine: Engine = engine
        # By transaction, the windows that it has counted in: who asks for one of them next needs no statement.
        self._counted: WeakKeyDictionary[Connection, dict[str, Any]] = WeakKeyDictionary()

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if amount > limit:
            return False
        now = time.time()
        values = {
            "key": key,
            "slot": int(now // expiry),
            "amount": amount,
            "limit": limit,
            "weight": 1 - now % expiry / expiry,
            "expires_at": int((now + 2 * expiry) * 1000),
        }
        with writing(self._engine) as connection:
            row = connection.execute(ACQUIRE, values).first()
            if row is not None:
                self._counted.setdefault(connection, {})[key] = row
        return row is not None

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        now = time.time()
        left = expiry - now % expiry
        with reading(self._engine) as connection:
            row = self._counted.get(connection, {}).get(key)
            if row is None:
                row = connection.execute(READ, {"key": key, "slot": int(now // expiry)}).first()
        previous, current = row or (0, 0)
        return previous, left, current, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        self.clear(key)

    def clear(self, key: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(limit_counters).where(limit_counters.c.key == key))

    def reset(self) -> int:
        with writing(self._engine) as connection:
            return int(connection.execute(delete(limit_counters)).rowcount)

    def check(self) -> bool:
        with self._engine.connect() as connection:
            connection.execute(READ, {"key": "", "slot": 0})
        return True

    def incr(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError("counts sliding windows only")

    get = get_expiry = incr


def drop_expired(engine: Engine) -> None:
    """Forget counters whose windows have passed."""
    with writing(engine) as connection:
        connection.execute(EXPIRE, {"now": int(time.time() * 1000)})
