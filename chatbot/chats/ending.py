"""The end of a turn: its answer is stored and its cost booked, at once or later; and its line is logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine

from chatbot.chats.asked import Turn
from chatbot.chats.kept import finish
from chatbot.chats.live import LiveReplies, Outcome
from chatbot.db import writing
from chatbot.errors import Problem, place

log = logging.getLogger("chatbot.turn")
Heed = Callable[[Turn, Outcome], object]


class Endings:
    """Stores answers that have ended; until then they stay among the live ones, so that no worker takes them for dead.

    `on_stored` is told of an answer before its listeners hear that it ended, `on_ended` after.
    """

    def __init__(self, engine: Engine, live: LiveReplies) -> None:
        self._engine = engine
        self._live = live
        self._owed: list[tuple[Turn, Outcome]] = []
        self.on_stored: list[Heed] = []
        self.on_ended: list[Heed] = []

    def settle(self, turn: Turn, outcome: Outcome) -> Outcome:
        """Store the answer and book its cost; where the database fails for more than a moment, later."""
        for wait_s in (0.1, 1.0, None):
            try:
                return self._store(turn, outcome)
            except Exception as error:  # whatever it was: listeners must not wait for ever
                log.error("an answer could not be stored: %s at %s", type(error).__name__, place(error))
                if wait_s is None:
                    self._owed.append((turn, outcome))
                else:
                    time.sleep(wait_s)
        return outcome

    def catch_up(self) -> None:
        """Store and book what the database would not take before."""
        for owed in list(self._owed):
            try:
                self._store(*owed)
                self._owed.remove(owed)
            except Exception as error:  # the others may be stored all the same
                log.error("an answer could not be stored yet: %s at %s", type(error).__name__, place(error))

    def tell(self, turn: Turn, outcome: Outcome) -> None:
        """Listeners have heard the end: let follow what they need not wait for."""
        _tell(self.on_ended, turn, outcome)

    def _store(self, turn: Turn, outcome: Outcome) -> Outcome:
        """Both in one transaction. Raises SQLAlchemyError, and may be tried again."""
        with writing(self._engine) as connection:
            outcome = replace(outcome, cost_nano=turn.relay.account.book())
            finish(connection, turn.reply, outcome, turn.relay.request_id, turn.relay.fingerprint)
        self._live.remove(turn.reply)
        _tell(self.on_stored, turn, outcome)
        return outcome


def _tell(hearers: list[Heed], turn: Turn, outcome: Outcome) -> None:
    for heed in hearers:
        try:
            heed(turn, outcome)
        except Exception as error:  # the answer is stored, and the others hear of it all the same
            log.error("what follows an answer failed: %s at %s", type(error).__name__, place(error))


def log_turn(turn: Turn, outcome: Outcome, failure: Problem | None) -> None:
    """Nothing that was said, no address and no key: ids, of which a few characters, and a fingerprint."""
    ask, relay, usage = turn.ask, turn.relay, outcome.usage
    log.log(
        logging.WARNING if failure else logging.INFO,
        "turn %s visitor=%s chat=%s model=%s key=%s tokens=%s/%s cost=%s first=%sms total=%dms request=%s%s",
        outcome.status,
        ask.visitor[:8],
        ask.chat[:8],
        ask.model,
        relay.fingerprint or "-",
        usage.input if usage else "?",
        usage.output if usage else "?",
        "?" if outcome.cost_nano is None else f"${outcome.cost_nano / 1e9:.6f}",
        "?" if relay.first_ms is None else relay.first_ms,
        (time.monotonic() - turn.reply.began) * 1000,
        relay.request_id or "-",
        f" problem={failure.code} cause={failure.cause!r}" if failure else "",
    )
