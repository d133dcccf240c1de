"""The post: sends the alerts that are due to every address, each once, and again later where it did not arrive."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, select, update

from chatbot.alerts.address import Address, send
from chatbot.alerts.courier import SENT
from chatbot.db import now_ms, reading, writing
from chatbot.errors import place
from chatbot.tables import alerts

BACK_OFF_S = (60, 300, 900, 3600)  # after the first failure, the second, ...
GIVE_UP_MS = 24 * 3_600_000
LEASE_MS = 60_000  # for which an alert is one worker's: longer than sending may take

log = logging.getLogger("chatbot.alerts")


class Post:
    """Sends by a thread of its own, which is there only while something is due. Threads may share it."""

    def __init__(self, engine: Engine, addresses: Sequence[Address]) -> None:
        self._engine = engine
        self._addresses = addresses
        self._busy = threading.Lock()

    def look(self) -> None:
        """Begin to send if anything is due. Raises SQLAlchemyError; waits for no address."""
        if not self._addresses or self._busy.locked():
            return
        with reading(self._engine) as connection:
            is_due = connection.execute(select(alerts.c.kind).where(alerts.c.due_at <= now_ms()).limit(1)).first()
        if is_due:
            threading.Thread(target=self._run, daemon=True, name="post").start()

    def _run(self) -> None:
        if self._busy.acquire(blocking=False):
            try:
                while self.deliver():
                    pass
            except Exception as error:  # the next look tries again
                log.error("alerts could not be sent: %s at %s", type(error).__name__, place(error))
            finally:
                self._busy.release()

    def deliver(self) -> bool:
        """Send one alert that is due, if no other worker does; False when there is none."""
        claimed = self._claim()
        if claimed is None:
            return False
        row, lease = claimed
        has_it = set(json.loads(row.sent_to))
        left = [address for address in self._addresses if address.digest not in has_it]
        is_old = now_ms() - row.raised_at > GIVE_UP_MS
        if not is_old:
            codes = send(left, f"{row.words}\n\n{datetime.fromtimestamp(row.raised_at / 1000, UTC):%Y-%m-%d %H:%M} UTC")
            has_it |= {address.digest for address, code in zip(left, codes, strict=True) if code == SENT}
            left = [address for address in left if address.digest not in has_it]
        wait_s = BACK_OFF_S[min(row.tries, len(BACK_OFF_S) - 1)]
        due_at = None if is_old or not left else now_ms() + wait_s * 1000
        with writing(self._engine) as connection:
            ours = update(alerts).where(_is(row), alerts.c.due_at == lease)
            connection.execute(ours.values(sent_to=json.dumps(sorted(has_it)), tries=row.tries + 1, due_at=due_at))
        if left and (due_at or row.tries):
            names = ", ".join(address.name for address in left)
            next_try = f"tried again in {wait_s} s" if due_at else "it is not tried again"
            log.error("an alert (%s, %s) did not reach %s; %s", row.kind, row.subject, names, next_try)
        return True

    def _claim(self) -> tuple[Row[Any], int] | None:
        """Take the alert that has been due for longest: it is ours until its new due_at."""
        with writing(self._engine) as connection:
            due = select(alerts).where(alerts.c.due_at <= now_ms()).order_by(alerts.c.due_at).limit(1)
            row = connection.execute(due.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            lease = now_ms() + LEASE_MS
            connection.execute(update(alerts).where(_is(row)).values(due_at=lease))
            return row, lease


def _is(row: Row[Any]) -> ColumnElement[bool]:
    return and_(alerts.c.kind == row.kind, alerts.c.subject == row.subject, alerts.c.period == row.period)
