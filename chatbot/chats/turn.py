"""One turn: the question is stored, the model is called beside the request, the answer is shared and stored."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from chatbot.alerts.alarm import Alarms
from chatbot.alerts.tally import Tally
from chatbot.chats import questions
from chatbot.chats.asked import Ask, Turn
from chatbot.chats.continuing import ASKING, asking_for_rest
from chatbot.chats.ending import Endings, log_turn
from chatbot.chats.live import LiveReplies, LiveReply, Outcome
from chatbot.chats.relay import Relay
from chatbot.config import Settings
from chatbot.db import writing
from chatbot.errors import Blocked, Busy, Problem, ReplyRunning, Unavailable, place
from chatbot.model.client import Client
from chatbot.model.events import Call
from chatbot.model.faults import ModelGone, QuotaSpent
from chatbot.money import switches
from chatbot.money.account import Account
from chatbot.money.hold import Payer
from chatbot.money.ledger import Ledger
from chatbot.money.quota import pause_for_quota
from chatbot.signing import Signer

FIRST_EVENT_S = 10  # a first event later than this finds the answer begun: its faults are told in the stream

log = logging.getLogger("chatbot.turn")


class Turns:
    """Makes replies."""

    def __init__(
        self, engine: Engine, client: Client, ledger: Ledger, settings: Settings, signer: Signer, alarms: Alarms,
        tally: Tally,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._client = client
        self._ledger = ledger
        self._settings = settings
        self.signer = signer
        self._alarms = alarms
        self._tally = tally
        self.live = LiveReplies()
        self.beside = LiveReplies()  # calls that nobody listens to
        self.endings = Endings(engine, self.live)

    def prepare(self, ask: Ask) -> Turn:
        """Store the question and hold the worst case of its answer: both, or neither. May be part of a transaction.

        Raises Paused, BudgetSpent and LimitReached, NotFound, ReplyRunning and BadRequest, and Unavailable when the
        database does not take it.
        """
        try:
            with writing(self._engine):
                self._ledger.look_in(ask.visitor)
                reply, turns = questions.ask(self._engine, ask)
                relay = self.make_relay(ask, reply, self._call(ask, reply, turns), self._settings.max_context_tokens)
                relay.reserve()
                questions.once_held(self._engine, ask, reply)
        except IntegrityError:  # another request has just opened this chat
            raise ReplyRunning(retry_after=1) from None
        except SQLAlchemyError as error:
            log.error("a question could not be stored: %s", type(error).__name__)
            raise Unavailable() from None
        return Turn(ask, reply, relay)

    def start(self, turn: Turn) -> LiveReply:
        """Ask, and return the reply once the upstream has answered, or after FIRST_EVENT_S.

        Raises the Problem of a reply that failed before its first event; the question is stored all the same.
        """
        if stale := self.live.get(turn.reply.chat):  # others have taken it for dead
            stale.stop()
        self.live[turn.reply.chat] = turn.reply
        try:
            threading.Thread(target=self._run, args=(turn,), daemon=True, name="reply").start()
        except RuntimeError:  # no more threads
            turn.reply.end(self.endings.settle(turn, Outcome("failed", problem=Busy().members())), Busy(retry_after=5))
        turn.reply.wait_started(FIRST_EVENT_S)
        return turn.reply

    def make_relay(
        self, ask: Ask, reply: LiveReply, call: Call, context_tokens: int, longest: int | None = None
    ) -> Relay:
        """For a reply at the cost of who asks. `longest`: as in `Ledger.reserve`, of one that has no listeners."""
        payer = Payer(ask.visitor, ask.network, ask.chat, reply.message, call.model)
        account, others = Account(self._ledger, payer, longest), self.live if longest is None else self.beside
        return Relay(self._client, account, reply, call, context_tokens, others, self._alarms)

    def heed(self, failure: Problem | None, model: str) -> None:
        """Let no call be made for a while, where the money at OpenAI has run out; tell of a model that is gone."""
        if isinstance(failure, QuotaSpent):
            pause_for_quota(self._engine, self._alarms, failure)
        elif isinstance(failure, ModelGone):
            words = f"{model} is not to be had: {failure.cause}. Name another one: flask doctor"
            self._alarms.raise_alarm("model", model, words)

    def rehearse(self, ask: Ask) -> None:
        """Make a reply in the caller's own thread and transaction, and do not report it."""
        turn = self.prepare(ask)
        self._produce(turn)
        turn.relay.close()

    def obey(self) -> None:
        """Stop what is under way, where a pause says so."""
        under_way = [reply for replies in self.made for reply in replies.values()]
        pause = switches.look(self._engine).pause if under_way else None
        if pause and pause.stops_replies:
            for reply in under_way:
                reply.stop()

    @property
    def made(self) -> tuple[LiveReplies, LiveReplies]:
        """All that this process makes."""
        return self.live, self.beside

    def _run(self, turn: Turn) -> None:
        outcome, failure = self._produce(turn)
        log_turn(turn, outcome, failure)
        if turn.relay.flagged:
            self._tally.count("flagged")
        if isinstance(failure, Blocked):
            self._tally.count("blocked")
        turn.reply.end(outcome, failure)
        turn.relay.close()
        self.endings.tell(turn, outcome)

    def _produce(self, turn: Turn) -> tuple[Outcome, Problem | None]:
        """Make the reply and store it; nobody has heard yet that it ended."""
        reply, failure = turn.reply, None
        try:
            end = turn.relay.run()
            outcome = Outcome("complete", end.reason, usage=end.usage)
        except Problem as problem:
            failure = problem
        except Exception as error:  # a defect of ours must not leave listeners waiting
            log.error("turn failed: %s in %s", type(error).__name__, place(error))
            failure = Problem(cause=type(error).__name__)
        if failure and reply.stop_status:
            failure, outcome = None, Outcome(reply.stop_status)
        elif failure:
            outcome = Outcome("failed", problem=failure.members())
        self.heed(failure, turn.ask.model)  # before anybody hears of it, and asks again
        return self.endings.settle(turn, replace(outcome, left_out=reply.left_out)), failure

    def _call(self, ask: Ask, reply: LiveReply, turns: list[tuple[str, str]]) -> Call:
        system, goes_on = self._settings.system_prompt, bool(reply.begun.rounds)
        if goes_on:
            turns = asking_for_rest(system, turns, reply.begun.text, self._settings.max_context_tokens)
        return Call(
            model=ask.model,
            system=system,
            turns=turns,
            kept=ASKING if goes_on else 1,
            max_output_tokens=self._settings.max_output_tokens,
            safety_identifier=self.signer.digest("safety", ask.visitor),
            moderation=self._settings.moderation,
            cache_key=self.signer.digest("cache", ask.chat)[:32],
        )
