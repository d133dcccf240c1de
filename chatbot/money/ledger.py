"""The ledger: holds the worst case of each call before it is made, and books what it cost once it is over.

A hold is a row of `reservations`, counted in every budget that it falls under. Deleting that row is what settles it, so
of all who try (the worker that made the call, another one that thinks it dead) one alone books the cost, once.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from typing import Any

from sqlalchemy import Connection, Engine

from chatbot.config import Settings
from chatbot.db import DEAD_AFTER_MS, HOUR_MS, now_ms, reading, writing
from chatbot.errors import LimitReached, Paused
from chatbot.model.events import Usage
from chatbot.money import statements, switches
from chatbot.money.budgets import Balance, balances, locked
from chatbot.money.charge import Attempt, Charge, charge
from chatbot.money.fit import Wish, output_that_fits, refusal
from chatbot.money.hold import Hold, Payer
from chatbot.money.prices import Prices
from chatbot.money.vigil import Vigil

SOON_S = 5  # until one of a visitor's replies may have ended

log = logging.getLogger("chatbot.ledger")


class Ledger:
    """Threads may share it; so may any number of workers and machines, by the database.

    `vigil` hears of budgets that are spent, and of calls that cost more than was held for them.
    """

    def __init__(self, engine: Engine, settings: Settings, prices: Prices, vigil: Vigil | None = None) -> None:
        self._engine = engine
        self._settings = settings
        self._vigil = vigil
        self.prices = prices
        self._name = ("", 0)

    def reserve(self, payer: Payer, input_tokens: int, *, again: bool = False, longest: int | None = None) -> Hold:
        """Hold the worst case of a call in all of its budgets, or nothing. `again`: it follows one of the same reply.

        `longest`: output tokens of a call that is no answer: it takes no place, and nobody is told that it was refused.
        The output is made to fit what is left. Raises Paused, BudgetSpent or LimitReached, and SQLAlchemyError when the
        ledger cannot be written: then no call may be made.
        """
        with writing(self._engine) as connection:
            now = now_ms()
            found, pause = locked(connection, self._settings, payer.visitor, payer.network, now)
            _refuse_paused(pause, now)
            if not again and longest is None:
                self._check_place(connection, payer.visitor, now)
            wish = Wish(payer.model, input_tokens, longest or self._settings.max_output_tokens)
            most = output_that_fits(self.prices, wish, found)
            if most < wish.useful:
                problem, spent = refusal(self.prices, wish, found, now)
                if spent and self._vigil and longest is None:
                    self._vigil.budget_spent(spent.scope, payer.visitor)
                raise problem
            nano = self.prices.worst_nano(payer.model, input_tokens, most)
            hold = Hold(secrets.token_hex(16), payer.model, input_tokens, most, nano, now)
            scopes = json.dumps([balance.scope.key for balance in found])
            row = {**vars(payer), **vars(hold), "scopes": scopes, "worker": self._worker, "alive_at": now}
            self._move(connection, row, held=1)
            connection.execute(statements.HOLD, row)
        return hold

    def look_in(self, visitor: str) -> None:
        """Raise Paused or LimitReached at once where a call would be refused anyway, and before it costs anything."""
        with reading(self._engine) as connection:
            now = now_ms()
            _refuse_paused(switches.read(connection).pause, now)
            self._check_place(connection, visitor, now)

    def settle(self, hold: Hold, attempt: Attempt) -> Charge | None:
        """Book what an attempt cost and let go of what was held; None when another worker has settled it before."""
        made = charge(self.prices, hold.model, attempt, hold.input_tokens, hold.max_output_tokens)
        with writing(self._engine) as connection:
            row = connection.execute(statements.RELEASE, {"id": hold.id}).first()
            if row is None:
                log.warning("a call of %s had been settled already", hold.model)
                return None
            self._book(connection, row._asdict(), attempt, made)
        if made.nano > hold.nano and self._vigil:
            self._vigil.bound_exceeded(hold.model)
        return made

    def keep(self, messages: list[str]) -> None:
        """Tell the other workers that this one lives, and with it the calls that it makes for these messages."""
        with writing(self._engine) as connection:
            connection.execute(statements.KEEP, {"of_worker": self._worker, "live": messages, "now": now_ms()})

    def recover(self) -> int:
        """Charge in full what dead workers have left; how many calls that were."""
        dead = {"dead": now_ms() - DEAD_AFTER_MS}
        with reading(self._engine) as connection:
            ids = connection.execute(statements.DEAD, dead).scalars().all()
        count = 0
        for id in ids:
            with writing(self._engine) as connection:
                row = connection.execute(statements.TAKE, {"id": id, **dead}).first()
                if row is not None:
                    count += 1
                    most = Usage(input=row.input_tokens, output=row.max_output_tokens)
                    self._book(connection, row._asdict(), Attempt(), Charge("reservation", most, row.nano))
        if count:
            log.warning("%d calls of a worker that died were charged in full", count)
        return count

    def forget(self) -> None:
        """Drop the rows of budgets whose periods are long over."""
        with writing(self._engine) as connection:
            connection.execute(statements.EXPIRE, {"now": now_ms()})

    def unlink(self, visitor: str) -> None:
        """Keep what this visitor has spent, and what is held for them, but nothing that leads back to them.

        What is held comes first: what is booked meanwhile is then either nobody's or in the ledger.
        """
        for statement in (statements.UNLINK_HELD, statements.UNLINK):
            rows = 1
            while rows:
                with writing(self._engine) as connection:
                    rows = connection.execute(statement, {"who": visitor}).rowcount

    def balances(self, visitor: str, network: str = "") -> list[Balance]:
        """What is left of each budget for this visitor. Costs nothing."""
        with reading(self._engine) as connection:
            return balances(connection, self._settings, visitor, network, now_ms())

    @property
    def _worker(self) -> str:
        """A name of this process alone; a fork gets its own."""
        if self._name[1] != os.getpid():
            self._name = (secrets.token_hex(16), os.getpid())
        return self._name[0]

    def _check_place(self, connection: Connection, visitor: str, now: int) -> None:
        most = self._settings.max_concurrent_replies
        asked = {"visitor": visitor, "dead": now - DEAD_AFTER_MS}
        if connection.execute(statements.UNDER_WAY, asked).scalar_one() >= most:
            words = "You have another answer under way. Wait for it, or stop it."
            if most > 1:
                words = f"You have {most} answers under way. Wait for one of them, or stop it."
            raise LimitReached(words, cause=f"MAX_CONCURRENT_REPLIES {most}", retry_after=SOON_S)

    def _move(self, connection: Connection, row: dict[str, Any], held: int, cost: int = 0, tokens: int = 0) -> None:
        """Change what the budgets of a reservation have held (`held`: 1 to take, -1 to let go) and spent."""
        moves = []
        for key in json.loads(row["scopes"]):
            in_tokens = key.startswith("tokens/")
            moved = row["input_tokens"] + row["max_output_tokens"] if in_tokens else row["nano"]
            moves.append({"scope": key, "held": held * moved, "spent": tokens if in_tokens else cost})
        connection.execute(statements.MOVE, moves)

    def _book(self, connection: Connection, row: dict[str, Any], attempt: Attempt, made: Charge) -> None:
        """By the row as it stood: its visitor may have been forgotten since it was written."""
        usage = made.usage
        self._move(connection, row, held=-1, cost=made.nano, tokens=usage.input + usage.output)
        booked = {name: row[name] for name in statements.BOOKED}
        values = statements.ledger_values(attempt, made)
        connection.execute(statements.BOOK, {**booked, "held_nano": row["nano"], "ended_at": now_ms(), **values})
        hour = row["started_at"] // HOUR_MS * HOUR_MS
        first = {"first_ms": attempt.first_ms or 0, "has_first": int(attempt.first_ms is not None)}
        connection.execute(statements.ADD_UP, {**values, "hour": hour, "model": row["model"], **first})


def _refuse_paused(pause: switches.Pause | None, now: int) -> None:
    if pause:
        raise Paused(cause="paused", retry_after=None if pause.until is None else (pause.until - now) / 1000)
