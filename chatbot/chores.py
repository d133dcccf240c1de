"""Chores: what every worker does from time to time, beside answering."""

from __future__ import annotations

import logging

from chatbot.chats.beat import Chore, mark_dead
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
        (SOON_S, house.turns.catch_up),
        (SOON_S, house.tally.keep),
        (SOON_S, house.alarms.keep),
        (SWEEP_S, house.vigil.look),
        (SWEEP_S, house.post.look),
        (SWEEP_S, lambda: mark_dead(house.engine)),
        (SWEEP_S, house.ledger.recover),
        (SWEEP_S, house.ring.catch_up),
        (PROBE_S, house.client.probe),
        (EXPIRE_S, lambda: drop_expired(house.engine)),
        (EXPIRE_S, house.ledger.forget),
        (REMIND_S, lambda: remind(house)),
    ]


def remind(house: Parts) -> None:
    for line in reminders(house.settings, house.ring, house.engine):
        log.warning(line)
