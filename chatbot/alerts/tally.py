"""Counts of what happened, by name and hour, for all workers: kept in memory for a moment, then added up in the
database."""

from __future__ import annotations

import threading
from collections import Counter

from sqlalchemy import Engine, func, select, text

from chatbot.db import HOUR_MS, now_ms, writing
from chatbot.tables import tallies

_ADD = text(
    "INSERT INTO tallies (name, hour, count) VALUES (:name, :hour, :count)"
    " ON CONFLICT (name, hour) DO UPDATE SET count = tallies.count + excluded.count"
)


class Tally:
    """Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        """One more; costs no database access."""
        with self._lock:
            self._counts[name, now_ms() // HOUR_MS * HOUR_MS] += 1

    def keep(self) -> None:
        """Add what was counted to the database. Raises SQLAlchemyError, and then loses nothing."""
        with self._lock:
            counted, self._counts = self._counts, Counter()
        try:
            if counted:
                rows = [{"name": name, "hour": hour, "count": count} for (name, hour), count in sorted(counted.items())]
                with writing(self._engine) as connection:
                    connection.execute(_ADD, rows)
        except BaseException:
            with self._lock:
                self._counts.update(counted)
            raise


def sums(engine: Engine, since_ms: int = 0) -> dict[str, int]:
    """Counts by name since then."""
    total = func.sum(tallies.c.count)
    wanted = select(tallies.c.name, total).where(tallies.c.hour >= since_ms).group_by(tallies.c.name)
    with engine.connect() as connection:
        return {name: int(count) for name, count in connection.execute(wanted)}
