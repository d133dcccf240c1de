"""The app with limits and a ledger that do nothing: how much quicker it is tells what they cost."""

from __future__ import annotations

import secrets

from flask import Flask

import app
from chatbot.db import now_ms
from chatbot.model.events import Usage
from chatbot.money.charge import Attempt, Charge
from chatbot.money.hold import Hold, Payer
from chatbot.money.ledger import Ledger
from chatbot.visitors.limits import Limits
from chatbot.visitors.standing import Standing
from chatbot.visitors.who import Visitor


class FreeLimits(Limits):
    def admit(self, visitor: Visitor) -> list[Standing]:
        return []


class FreeLedger(Ledger):
    def look_in(self, visitor: str) -> None:
        pass

    def reserve(self, payer: Payer, input_tokens: int, *, again: bool = False, longest: int | None = None) -> Hold:
        most = self._settings.max_output_tokens
        return Hold(secrets.token_hex(16), payer.model, input_tokens, most, 0, now_ms())

    def settle(self, hold: Hold, attempt: Attempt) -> Charge | None:
        return Charge("nothing", Usage(), 0)

    def keep(self, messages: list[str]) -> None:
        pass


def create_app() -> Flask:
    vars(app).update(Limits=FreeLimits, Ledger=FreeLedger)
    return app.create_app()
