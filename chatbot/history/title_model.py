"""Asks a model for a chat's title: one call beside the answers, held and booked in all budgets like any other."""

from __future__ import annotations

import logging
import threading

from chatbot.chats.asked import Turn
from chatbot.chats.live import LiveReply, Outcome
from chatbot.chats.relay import Relay
from chatbot.chats.title_call import MOST_TOKENS, most_title_tokens, title_call
from chatbot.chats.turn import Turns
from chatbot.errors import Problem
from chatbot.money.hold import title_of_message

LONGEST_S = 20  # less than DEAD_AFTER_MS: nothing tells other workers meanwhile that the call is alive

log = logging.getLogger("chatbot.title")


class TitleModel:
    """Nobody listens to its calls; while they are made they are among `turns.beside`, by chat."""

    def __init__(self, model: str, turns: Turns) -> None:
        self._model, self._turns = model, turns

    def ask(self, turn: Turn, question: str) -> str:
        """What the model says, whole; or nothing where it fails, takes too long, or there is no money for it.

        Raises SQLAlchemyError when it cannot be booked: it is then charged like the call of a worker that died.
        """
        turns, ask = self._turns, turn.ask
        reply = LiveReply(ask.chat, title_of_message(turn.reply.message), turn.reply.question, self._model)
        safety, cache = turns.signer.digest("safety", ask.visitor), turns.signer.digest("cache", "titles")[:32]
        call = title_call(self._model, question, turn.reply.text, safety, cache)
        relay = turns.make_relay(ask, reply, call, most_title_tokens(), longest=MOST_TOKENS)
        turns.beside[ask.chat] = reply
        try:
            return self._run(relay, reply)
        finally:
            turns.beside.remove(reply)
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
            self._turns.heed(failure, self._model)
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
            relay.fingerprint or "-",
            cost_nano / 1e9,
            relay.request_id or "-",
            f" none: {failure.code} cause={failure.cause!r}" if failure else "",
        )
