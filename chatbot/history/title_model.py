"""Asks a model for a chat's title: one call beside the answers, held and booked in all budgets like any other."""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Engine

from chatbot.alerts.alarm import Alarms
from chatbot.chats.ending import Turn
from chatbot.chats.live import LiveReplies, LiveReply, Outcome
from chatbot.chats.relay import Relay
from chatbot.chats.title_call import MOST_TOKENS, most_title_tokens, title_call
from chatbot.errors import Problem
from chatbot.model.client import Client
from chatbot.model.faults import QuotaSpent
from chatbot.money.account import Account
from chatbot.money.hold import Payer, title_of_message
from chatbot.money.ledger import Ledger
from chatbot.money.quota import pause_for_quota
from chatbot.signing import Signer

LONGEST_S = 20  # less than DEAD_AFTER_MS: nothing tells other workers meanwhile that the call is alive

log = logging.getLogger("chatbot.title")


class TitleModel:
    """`live`: where its calls are while they are made, by chat. Nobody listens to them."""

    def __init__(
        self, model: str, engine: Engine, client: Client, ledger: Ledger, signer: Signer, alarms: Alarms,
        live: LiveReplies,
    ) -> None:  # fmt: skip
        self._model = model
        self._engine = engine
        self._client = client
        self._ledger = ledger
        self._signer = signer
        self._alarms = alarms
        self._live = live

    def ask(self, turn: Turn, question: str) -> str:
        """What the model says, whole; or nothing where it fails, takes too long, or there is no money for it.

        Raises SQLAlchemyError when it cannot be booked: it is then charged like the call of a worker that died.
        """
        ask = turn.ask
        message = title_of_message(turn.reply.message)
        reply = LiveReply(ask.chat, message, turn.reply.question, self._model)
        account = Account(self._ledger, Payer(ask.visitor, ask.network, ask.chat, message, self._model), MOST_TOKENS)
        safety, cache = self._signer.digest("safety", ask.visitor), self._signer.digest("cache", "titles")[:32]
        call = title_call(self._model, question, turn.reply.text, safety, cache)
        relay = Relay(self._client, account, reply, call, most_title_tokens(), self._live, self._alarms)
        self._live[ask.chat] = reply
        try:
            return self._run(relay, reply)
        finally:
            self._live.remove(reply)
            reply.end(Outcome("complete"))

    def _run(self, relay: Relay, reply: LiveReply) -> str:
        limit = threading.Timer(LONGEST_S, reply.stop)
        limit.daemon = True
        failure: Problem | None = None
        try:
            relay.reserve()
            limit.start()
            end = relay.run()
            return reply.text if end.reason == "stop" else ""
        except Problem as problem:
            failure = problem
            if isinstance(problem, QuotaSpent):
                pause_for_quota(self._engine, self._alarms, problem)
            return ""
        finally:
            limit.cancel()
            relay.close()
            if relay.account.attempt:
                relay.account.attempt.first_ms = None  # nobody has waited for it
            self._tell(reply, relay, relay.account.book(), failure)

    def _tell(self, reply: LiveReply, relay: Relay, cost_nano: int, failure: Problem | None) -> None:
        log.info(
            "title chat=%s model=%s key=%s cost=$%.6f request=%s%s",
            reply.chat[:8],
            reply.model,
            relay.key.fingerprint if relay.key else "-",
            cost_nano / 1e9,
            relay.request_id or "-",
            f" none: {failure.code} cause={failure.cause!r}" if failure else "",
        )
