"""The alarm: what the operator must hear of is logged and written down once in its period, whichever worker saw it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Engine, text

from chatbot.db import is_writing, now_ms, writing

Period = Literal["hour", "day", "month"]
PERIODS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
MOST_WORDS = 1000
MOST_SUBJECT = 96
_RAISE = text(
    "INSERT INTO alerts (kind, subject, period, words, raised_at, sent_to, tries, due_at)"
    " VALUES (:kind, :subject, :period, :words, :at, '[]', 0, :due_at) ON CONFLICT DO NOTHING"
)

log = logging.getLogger("chatbot.alarm")


@dataclass
class _Alert:
    kind: str
    subject: str
    period: str
    words: str
    at: int
    covers: tuple[str, ...]
    is_logged: bool = False


class Alarms:
    """Where alerts are raised. Threads may share it. Without an engine it only logs.

    `clean` takes out of the words what must not be written anywhere.
    """

    def __init__(self, engine: Engine | None = None, clean: Callable[[str], str] = str) -> None:
        self._engine = engine
        self._clean = clean
        self._lock = threading.Lock()
        self._raised: set[tuple[str, str, str]] = set()  # by this process: it asks the database once for each
        self._unwritten: deque[_Alert] = deque()

    def raise_alarm(
        self, kind: str, subject: str, words: str, *, period: Period = "day", covers: Sequence[str] = ()
    ) -> bool:
        """Log `ALERT: words` and queue the alert, if no worker has raised (kind, subject) in this period (UTC) yet.

        `covers`: subjects that need not be told any more once this one was. True when it was news, as far as is known
        yet. Never raises. Inside a transaction, which may be undone, it waits in memory for keep().
        """
        subject = self._clean(subject)[:MOST_SUBJECT]
        when = datetime.now(UTC).strftime(PERIODS[period])
        with self._lock:
            if (kind, subject, when) in self._raised:
                return False
            self._raised.add((kind, subject, when))
        alert = _Alert(kind, subject, when, self._clean(words)[:MOST_WORDS], now_ms(), tuple(covers))
        if self._engine and is_writing(self._engine):
            self._unwritten.append(alert)
            return True
        return self._write(alert) is not False

    def keep(self) -> None:
        """Write what could not be written before, until the database fails again. One thread calls it."""
        for _ in range(len(self._unwritten)):
            if self._write(self._unwritten.popleft()) is None:
                return

    def _write(self, alert: _Alert) -> bool | None:
        """Write it, and log it once if that was news; where the database fails, log it, keep it and return None."""
        is_news: bool | None = True
        try:
            if self._engine:
                is_news = _insert(self._engine, alert)
        except Exception:  # of any kind: who raises an alarm has trouble enough
            is_news = None
            self._unwritten.append(alert)
        if is_news is not False and not alert.is_logged:
            log.critical("ALERT: %s", alert.words)
            alert.is_logged = True
        return is_news


def _insert(engine: Engine, alert: _Alert) -> bool:
    """Write it down, and those that it covers as told; False when another worker was first."""
    row = {"kind": alert.kind, "period": alert.period, "words": alert.words, "at": alert.at}
    with writing(engine) as connection:
        is_news = bool(connection.execute(_RAISE, row | {"subject": alert.subject, "due_at": alert.at}).rowcount)
        if is_news and alert.covers:
            connection.execute(_RAISE, [row | {"subject": each, "due_at": None} for each in alert.covers])
    return is_news
