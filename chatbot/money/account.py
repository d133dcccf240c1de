"""The account of one reply: the hold of the attempt under way, and what is known of it for the day it is booked."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from chatbot.errors import Unavailable
from chatbot.money.charge import Attempt
from chatbot.money.hold import Hold, Payer
from chatbot.money.ledger import Ledger


class Account:
    """One hold at a time. `attempt`: the call that it was taken for, None as long as that has not begun.

    `longest`: as in `Ledger.reserve`.
    """

    def __init__(self, ledger: Ledger, payer: Payer, longest: int | None = None) -> None:
        self._ledger, self._payer, self._longest = ledger, payer, longest
        self._hold: Hold | None = None
        self.attempt: Attempt | None = None
        self._cost_nano = 0

    def open(self, input_tokens: int) -> Hold:
        """Book the last attempt, if there was one, and hold the worst case of the next.

        Raises Paused, BudgetSpent, LimitReached, or Unavailable when the ledger cannot be written. They are two
        transactions, because the next one may fall on another day, whose budgets are locked in another order.
        """
        again = self._hold is not None
        try:
            self._cost_nano, self._hold = self.book(), None
            self._hold = self._ledger.reserve(self._payer, input_tokens, again=again, longest=self._longest)
        except SQLAlchemyError as error:
            raise Unavailable(cause=f"the ledger cannot be written: {type(error).__name__}") from None
        self.attempt = None
        return self._hold

    def begin(self) -> Attempt:
        """The held call is made now."""
        self.attempt = Attempt()
        return self.attempt

    def book(self) -> int:
        """Book the last attempt; nano-dollars of all. May be part of a transaction, and be tried again if that fails.

        Raises SQLAlchemyError.
        """
        if self._hold is None:
            return self._cost_nano
        made = self._ledger.settle(self._hold, self.attempt or Attempt("unused", charged="nothing"))
        return self._cost_nano + (made.nano if made else 0)
