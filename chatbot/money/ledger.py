"""The ledger: holds the worst case of each call before it is made, and books what it cost once it is over.

A hold is a row of `reservations`, counted in every budget that it falls under. Deleting that row is what settles it, so
of all who try (the worker that made the call, another one that thinks it dead) one alone books the cost, once.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from chatbot.config import Settings
from chatbot.db import now_ms, reading, writing
from chatbot.errors import BudgetSpent, LimitReached, Paused, Problem
from chatbot.model.events import Usage
from chatbot.money import statements, switches
from chatbot.money.budgets import WORDS, Balance, Scope, scopes
from chatbot.money.charge import Attempt, Charge, charge
from chatbot.money.hold import Hold, Payer, of_row
from chatbot.money.prices import Prices

DEAD_AFTER_MS = 30_000  # a hold that its worker has not touched for so long: the worker died
USEFUL_TOKENS = 256  # an answer that would have to be shorter is refused
HOUR_MS = 3_600_000
SOON_S = 5  # until money that is held, or a place among a visitor's replies, may have come free

log = logging.getLogger("chatbot.ledger")


class Ledger:
    """Threads may share it; so may any number of workers and machines, by the database.

    `on_spent` hears, inside the transaction, of each budget that could not pay for a visitor's call.
    """

    def __init__(
        self, engine: Engine, settings: Settings, prices: Prices, on_spent: Callable[[Scope, str], None] | None = None
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._on_spent = on_spent or (lambda scope, visitor: None)
        self.prices = prices
        self._name = ("", 0)

    def reserve(self, payer: Payer, input_tokens: int, *, again: bool = False) -> Hold:
        """Hold the worst case of a call in all of its budgets, or nothing. `again`: it follows one of the same reply.

        The output is made to fit what is left. Raises Paused, BudgetSpent or LimitReached, and SQLAlchemyError when the
        ledger cannot be written: then no call may be made.
        """
        with writing(self._engine) as connection:
            now = now_ms()
            found = switches.read(connection)
            if found.pause:
                until = found.pause.until
                raise Paused(cause="paused", retry_after=None if until is None else (until - now) / 1000)
            balances = self._locked(connection, scopes(self._settings, found, payer.visitor, now))
            if not again:
                self._check_place(connection, payer.visitor, now)
            most = self._output_that_fits(payer, input_tokens, balances, now)
            nano = self.prices.worst_nano(payer.model, input_tokens, most)
            keys = tuple(balance.scope.key for balance in balances)
            hold = Hold(secrets.token_hex(16), payer, input_tokens, most, nano, keys, now)
            self._move(connection, hold, held=1)
            row = {**vars(payer), "id": hold.id, "input_tokens": input_tokens, "max_output_tokens": most, "nano": nano}
            kept = {"scopes": json.dumps(keys), "worker": self._worker, "started_at": now, "alive_at": now}
            connection.execute(statements.HOLD, row | kept)
        return hold

    def settle(self, hold: Hold, attempt: Attempt) -> Charge | None:
        """Book what an attempt cost and let go of what was held; None when another worker has settled it before."""
        made = charge(self.prices, hold.payer.model, attempt, hold.input_tokens, hold.max_output_tokens)
        with writing(self._engine) as connection:
            if not connection.execute(statements.RELEASE, {"id": hold.id}).rowcount:
                log.warning("a call of %s was settled before, as that of a dead worker", hold.payer.model)
                return None
            self._book(connection, hold, attempt, made)
        return made

    def keep(self) -> None:
        """Tell the other workers that this one lives, and with it the calls that it makes."""
        with writing(self._engine) as connection:
            connection.execute(statements.KEEP, {"worker": self._worker, "now": now_ms()})

    def recover(self) -> int:
        """Charge in full what dead workers have left; how many calls that were."""
        dead = {"dead": now_ms() - DEAD_AFTER_MS}
        with reading(self._engine) as connection:
            ids = connection.execute(statements.DEAD, dead).scalars().all()
        for id in ids:
            with writing(self._engine) as connection:
                row = connection.execute(statements.TAKE, {"id": id, **dead}).first()
                if row is not None:
                    most = Usage(input=row.input_tokens, output=row.max_output_tokens)
                    self._book(connection, of_row(row), Attempt(), Charge("reservation", most, row.nano))
        if ids:
            log.warning("%d calls of a worker that died were charged in full", len(ids))
        return len(ids)

    def forget(self) -> None:
        """Drop the rows of budgets whose periods are long over."""
        with writing(self._engine) as connection:
            connection.execute(statements.EXPIRE, {"now": now_ms()})

    def balances(self, visitor: str) -> list[Balance]:
        """What is left of each budget for this visitor. Costs nothing."""
        with reading(self._engine) as connection:
            mine = scopes(self._settings, switches.read(connection), visitor, now_ms())
            keys = {"scopes": [scope.key for scope in mine]}
            used = {row.scope: row for row in connection.execute(statements.USED, keys)}
        rows = [(scope, used.get(scope.key)) for scope in mine]
        return [Balance(scope, row.spent if row else 0, row.held if row else 0) for scope, row in rows]

    @property
    def _worker(self) -> str:
        """A name of this process alone; a fork gets its own."""
        if self._name[1] != os.getpid():
            self._name = (secrets.token_hex(16), os.getpid())
        return self._name[0]

    def _locked(self, connection: Connection, mine: list[Scope]) -> list[Balance]:
        """The balances, which nobody else can change before this transaction ends."""
        values: dict[str, Any] = {}
        for number, scope in enumerate(mine):
            values |= {f"scope_{number}": scope.key, f"expires_{number}": scope.expires_at}
        found = {row.scope: row for row in connection.execute(statements.lock(len(mine)), values)}
        return [Balance(scope, found[scope.key].spent, found[scope.key].held) for scope in mine]

    def _check_place(self, connection: Connection, visitor: str, now: int) -> None:
        most = self._settings.max_concurrent_replies
        asked = {"visitor": visitor, "dead": now - DEAD_AFTER_MS}
        if connection.execute(statements.UNDER_WAY, asked).scalar_one() >= most:
            words = "You have another answer under way. Wait for it, or stop it."
            if most > 1:
                words = f"You have {most} answers under way. Wait for one of them, or stop it."
            raise LimitReached(words, cause=f"MAX_CONCURRENT_REPLIES {most}", retry_after=SOON_S)

    def _output_that_fits(self, payer: Payer, input_tokens: int, balances: list[Balance], now: int) -> int:
        """The longest answer that every budget can pay for. Raises for the one that cannot pay for a useful one."""
        useful = min(USEFUL_TOKENS, self._settings.max_output_tokens)
        fits = {each.scope.key: self._fitting(payer.model, input_tokens, each.left, each.scope) for each in balances}
        tightest = min(balances, key=lambda balance: fits[balance.scope.key])
        most = fits[tightest.scope.key]
        if most < useful:
            scope = tightest.scope
            is_held = self._fitting(payer.model, input_tokens, scope.cap - tightest.spent, scope) >= useful
            if not is_held:
                self._on_spent(scope, payer.visitor)
            raise _refusal(tightest, now, soon=is_held)
        return most

    def _fitting(self, model: str, input_tokens: int, left: int, scope: Scope) -> int:
        longest = self._settings.max_output_tokens
        if scope.counts_tokens:
            return max(0, min(longest, left - input_tokens))
        return self.prices.output_that_fits(model, input_tokens, left, longest)

    def _move(self, connection: Connection, hold: Hold, held: int, cost: int = 0, tokens: int = 0) -> None:
        """Change what a hold's budgets have held (`held`: 1 to take, -1 to let go) and spent."""
        moves = []
        for key in hold.scopes:
            in_tokens = key.startswith("tokens/")
            moved = hold.tokens if in_tokens else hold.nano
            moves.append({"scope": key, "held": held * moved, "spent": tokens if in_tokens else cost})
        connection.execute(statements.MOVE, moves)

    def _book(self, connection: Connection, hold: Hold, attempt: Attempt, made: Charge) -> None:
        usage = made.usage
        self._move(connection, hold, held=-1, cost=made.nano, tokens=usage.input + usage.output)
        values = statements.ledger_values(attempt, made)
        times = {"started_at": hold.started_at, "ended_at": now_ms()}
        connection.execute(
            statements.BOOK, {**vars(hold.payer), "id": hold.id, "held_nano": hold.nano, **times, **values}
        )
        hour = hold.started_at // HOUR_MS * HOUR_MS
        first = {"first_ms": attempt.first_ms or 0, "has_first": int(attempt.first_ms is not None)}
        connection.execute(statements.ADD_UP, {**values, "hour": hour, "model": hold.payer.model, **first})


def _refusal(balance: Balance, now: int, soon: bool) -> Problem:
    scope = balance.scope
    wait_s = SOON_S if soon else (scope.resets_at - now) / 1000
    cause = f"{scope.name} {balance.spent} spent and {balance.held} held of {scope.cap}"
    if scope.counts_tokens:
        return LimitReached(WORDS["tokens"], cause=cause, retry_after=wait_s)
    if scope.cap == 0:
        return BudgetSpent("Nothing may be spent here for now.", cause=cause)
    return BudgetSpent(WORDS[scope.name], cause=cause, retry_after=wait_s)
