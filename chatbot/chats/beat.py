"""The beat of a worker: once a second it stores what its live replies have, and looks for what others ask or left."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine, select, update

from chatbot.chats.kept import keep
from chatbot.chats.live import LiveReplies, LiveReply
from chatbot.db import DEAD_AFTER_MS, now_ms, writing
from chatbot.errors import place
from chatbot.money.ledger import Ledger
from chatbot.tables import messages

HEARTBEAT_S = 1.0
LOOK_S = 0.4  # what others ask for is obeyed within a second, work and all

_STOPS = select(messages.c.chat).where(messages.c.status == "streaming", messages.c.stop_asked == 1)

log = logging.getLogger("chatbot.beat")
Chore = tuple[float, Callable[[], object]]  # to be done again after so many seconds


class Beat:
    """A thread (under gevent a greenlet) that starts once, after a worker's fork."""

    def __init__(self, engine: Engine, live: LiveReplies, ledger: Ledger) -> None:
        self._engine = engine
        self._live = live
        self._ledger = ledger
        self._done_at: dict[Chore, float] = {}
        self._lock = threading.Lock()
        self._running = False
        self._kept_at = 0.0

    def take_on(self, chores: list[Chore]) -> None:
        """Do these as well, each for the first time after its interval."""
        self._done_at |= dict.fromkeys(chores, time.monotonic())

    def start(self) -> None:
        """Begin to beat, unless this process does already."""
        with self._lock:
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, daemon=True, name="beat").start()

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except Exception as error:  # the next beat may succeed
                log.error("a beat failed: %s at %s", type(error).__name__, place(error))
            time.sleep(LOOK_S)

    def beat(self) -> None:
        """Store what is live, obey what was asked, and from time to time clean up."""
        if len(self._live):
            with self._engine.connect() as connection:
                stops = set(connection.execute(_STOPS).scalars())
            for reply in self._replies():
                if reply.chat in stops:
                    reply.stop()
            if time.monotonic() - self._kept_at >= HEARTBEAT_S:
                self._kept_at = time.monotonic()
                self._ledger.keep([reply.message for reply in self._replies()])
                with writing(self._engine) as connection:  # of its own: who settles locks holds first, then messages
                    gone = keep(connection, self._replies())
                for reply in gone:
                    reply.stop()
        for chore, done_at in self._done_at.items():
            interval_s, work = chore
            if time.monotonic() - done_at >= interval_s:
                self._done_at[chore] = time.monotonic()
                try:
                    work()
                except Exception as error:  # the others are done all the same, and it again in its time
                    log.error("a chore failed: %s at %s", type(error).__name__, place(error))

    def _replies(self) -> list[LiveReply]:
        return list(self._live.values())  # it may change meanwhile


def mark_dead(engine: Engine) -> None:
    """Mark as interrupted what no worker has touched for DEAD_AFTER_MS: its worker died."""
    dead = (messages.c.status == "streaming") & (messages.c.heartbeat_at < now_ms() - DEAD_AFTER_MS)
    with engine.connect() as connection:
        if connection.execute(select(messages.c.id).where(dead).limit(1)).first() is None:
            return
    with writing(engine) as connection:
        count = connection.execute(update(messages).where(dead).values(status="interrupted")).rowcount
    log.warning("%d answers of a worker that died were marked interrupted", count)
