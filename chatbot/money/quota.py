"""When the money at OpenAI has run out: all calls stop for a while, by themselves, and the operator hears of it."""

from __future__ import annotations

import logging

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from chatbot.alerts.alarm import Alarms
from chatbot.db import now_ms, writing
from chatbot.errors import Problem
from chatbot.money import switches
from chatbot.money.switches import Pause

FIRST_MS = 15_000  # then the next message finds out whether it has been topped up
LONGEST_MS = 600_000
FORGOTTEN_MS = 3_600_000

log = logging.getLogger("chatbot.quota")


def pause_for_quota(engine: Engine, alarms: Alarms, problem: Problem) -> None:
    """Pause, twice as long as the last time, unless all is paused already. Raises nothing: the answer is over."""
    try:
        with writing(engine) as connection:
            found, now = switches.read(connection), now_ms()
            if found.pause is None:
                until = now + _length_ms(found.automatic, now)
                switches.pause(engine, Pause(problem.cause, "automatic", now, until=until))
    except SQLAlchemyError as error:
        log.error("the pause could not be written: %s", type(error).__name__)
    words = f"paused, because at OpenAI {problem.cause}. Now and then a message finds out whether that has changed"
    alarms.raise_alarm("pause", "quota", f"{words}; to try at once: flask resume", period="hour")


def _length_ms(last: Pause | None, now: int) -> int:
    if last is None or last.until is None or now - last.until >= FORGOTTEN_MS:
        return FIRST_MS
    return min(LONGEST_MS, 2 * (last.until - last.at))
