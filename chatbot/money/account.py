"""The account of one reply: the hold of the attempt under way, and what is known of it for the day it is booked."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from chatbot.db import writing
from chatbot.errors import Unavailable
from chatbot.money.charge import Attempt
from chatbot.money.hold import Hold, Payer
from chatbot.money.ledger import Ledger


class Account:
    """One hold at a time. `attempt`: the call that it was taken for, None as long as that has not begun.

    `cost_nano`: of the attempts that were booked.
    """

    def __init__(self, engine: Engine, ledger: Ledger, payer: Payer) -> None:
        self._engine, self._ledger, self._payer = engine, ledger, payer
        self._hold: Hold | None = None
        self.attempt: Attempt | None = None
        self.cost_nano = 0

    def open(self, input_tokens: int) -> Hold:
        """Book the last attempt, if there was one, and hold the worst case of the next: both, or neither.

        Raises Paused, BudgetSpent, LimitReached, or Unavailable when the ledger cannot be written.
        """
        try:
            with writing(self._engine):
                cost_nano = self._book()
                hold = self._ledger.reserve(self._payer, input_tokens, again=self._hold is not None)
        except SQLAlchemyError as error:
            raise Unavailable(cause=f"the ledger cannot be written: {type(error).__name__}") from None
        self._hold, self.attempt = hold, None
        self.cost_nano += cost_nano
        return hold

    def begin(self) -> Attempt:
        """The held call is made now."""
        self.attempt = Attempt()
        return self.attempt

    def close(self) -> int:
        """Book the last attempt; nano-dollars of all. Raises SQLAlchemyError, and may be tried again."""
        return self.cost_nano + self._book()

    def _book(self) -> int:
        if self._hold is None:
            return 0
        made = self._ledger.settle(self._hold, self.attempt or Attempt())
        return made.nano if made else 0
