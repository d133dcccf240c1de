"""The post: sends the alerts that are due to every address, each once, and again later where it did not arrive."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, select, update

from chatbot.alerts.address import Address, send
from chatbot.alerts.courier import SENT
from chatbot.db import now_ms, reading, writing
from chatbot.tables import alerts

BACK_OFF_S = (60, 300, 900, 3600)  # after the first failure, the second, ...
GIVE_UP_MS = 24 * 3_600_000
LEASE_MS = 60_000  # for which an alert is one worker's: longer than sending may take

log = logging.getLogger("chatbot.alerts")


class Post:
    """Any number of workers may each have one."""

    def __init__(self, engine: Engine, addresses: Sequence[Address]) -> None:
        self._engine = engine
        self._addresses = addresses

    def look(self) -> None:
        """Send all that is due, which may take minutes. Raises SQLAlchemyError."""
        while self._addresses and self.deliver():
            pass

    def deliver(self) -> bool:
        """Send one alert that is due, if no other worker does; False when there is none."""
        claimed = self._claim()
        if claimed is None:
            return False
        row, lease = claimed
        has_it: list[str] = json.loads(row.sent_to)
        left = [address for address in self._addresses if address.digest not in has_it]
        is_old = now_ms() - row.raised_at > GIVE_UP_MS
        if not is_old:
            codes = send(left, f"{row.words}\n\n{datetime.fromtimestamp(row.raised_at / 1000, UTC):%Y-%m-%d %H:%M} UTC")
            has_it += [address.digest for address, code in zip(left, codes, strict=True) if code == SENT]
            left = [address for address, code in zip(left, codes, strict=True) if code != SENT]
        wait_s = BACK_OFF_S[min(row.tries, len(BACK_OFF_S) - 1)]
        due_at = None if is_old or not left else now_ms() + wait_s * 1000
        with writing(self._engine) as connection:
            ours = update(alerts).where(_is(row), alerts.c.due_at == lease)
            connection.execute(ours.values(sent_to=json.dumps(has_it), tries=row.tries + 1, due_at=due_at))
        if left and (due_at or row.tries):
            names = ", ".join(address.name for address in left)
            next_try = f"tried again in {wait_s} s" if due_at else "it is not tried again"
            log.error("an alert (%s, %s) did not reach %s; %s", row.kind, row.subject, names, next_try)
        return True

    def _claim(self) -> tuple[Row[Any], int] | None:
        """Take the alert that has been due for longest: it is ours until its new due_at."""
        due = select(alerts).where(alerts.c.due_at <= now_ms()).order_by(alerts.c.due_at).limit(1)
        with reading(self._engine) as connection:  # mostly there is none, and no lock is needed to see that
            if connection.execute(due).first() is None:
                return None
        with writing(self._engine) as connection:
            row = connection.execute(due.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            lease = now_ms() + LEASE_MS
            connection.execute(update(alerts).where(_is(row)).values(due_at=lease))
            return row, lease


def _is(row: Row[Any]) -> ColumnElement[bool]:
    return and_(alerts.c.kind == row.kind, alerts.c.subject == row.subject, alerts.c.period == row.period)
