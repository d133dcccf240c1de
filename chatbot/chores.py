"""Chores: what every worker does from time to time, beside answering."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from chatbot.chats.beat import Chore, mark_dead
from chatbot.errors import place
from chatbot.history.erase import drop_temporary, retire, write_over
from chatbot.history.forgetting import go_on_forgetting
from chatbot.history.passages import index_rest
from chatbot.money.switches import look
from chatbot.start import reminders
from chatbot.visitors.counters import drop_expired
from chatbot.web.parts import Parts

AT_ONCE_S = 0.0  # at each beat: what was asked for is obeyed within a second
SOON_S = 1
SWEEP_S = 5  # what other workers left or found out
PROBE_S = 60
EXPIRE_S = 600
REMIND_S = 86_400

log = logging.getLogger("chatbot.start")


def chores(house: Parts) -> list[Chore]:
    """Each with the seconds until it is to be done again."""
    return [
        (AT_ONCE_S, house.turns.obey),
        (SOON_S, house.turns.endings.catch_up),
        (SOON_S, lambda: index_rest(house.engine)),
        (SOON_S, lambda: go_on_forgetting(house.engine)),
        (SOON_S, house.tally.keep),
        (SOON_S, house.alarms.keep),
        (SWEEP_S, house.vigil.look),
        (SWEEP_S, Aside(house.post.look)),
        (SWEEP_S, Sweep(house)),
        (SWEEP_S, house.ring.catch_up),
        (SWEEP_S, lambda: drop_temporary(house.engine)),
        (PROBE_S, Aside(house.client.probe)),
        (EXPIRE_S, lambda: drop_expired(house.engine)),
        (EXPIRE_S, house.ledger.forget),
        (EXPIRE_S, Aside(lambda: retire(house.engine, house.settings.chat_retention_days))),
        (PROBE_S, Aside(lambda: write_over(house.engine))),
        (REMIND_S, lambda: remind(house)),
    ]


def remind(house: Parts) -> None:
    for line in reminders(house.settings, house.ring, house.engine):
        log.warning(line)


class Aside:
    """Does what may take minutes in a thread of its own, one at a time: a heart must not wait for it."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._lock = threading.Lock()

    def __call__(self) -> None:
        threading.Thread(target=self._do, daemon=True, name="aside").start()

    def _do(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._work()
            except Exception as error:
                log.error("a chore failed: %s at %s", type(error).__name__, place(error))
            finally:
                self._lock.release()


class Sweep:
    """Clears up after workers that died; not at once after the database was away, when the living could not say so."""

    def __init__(self, house: Parts) -> None:
        self._house = house
        self._was_well = True  # the start has just found it so

    def __call__(self) -> None:
        """Raises SQLAlchemyError."""
        was_well, self._was_well = self._was_well, False
        look(self._house.engine)
        if was_well:
            self._house.ledger.recover()
            mark_dead(self._house.engine)
        self._was_well = True
