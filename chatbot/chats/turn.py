"""One turn: the question is stored, the model is called beside the request, the answer is shared and stored."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from chatbot.chats import conversations, questions
from chatbot.chats.live import LiveReplies, LiveReply, Outcome
from chatbot.chats.questions import Ask, Asked
from chatbot.chats.relay import Relay
from chatbot.config import Settings
from chatbot.errors import Problem, ReplyRunning, Unavailable, place
from chatbot.model.client import Client
from chatbot.model.events import Call
from chatbot.money.prices import cost_nano
from chatbot.signing import Signer

FIRST_EVENT_S = 10  # a first event later than this finds the answer begun: its faults are told in the stream

log = logging.getLogger("chatbot.turn")


class Turns:
    """Makes replies. `free`: the tutor answers, and nothing costs anything."""

    def __init__(self, engine: Engine, client: Client, settings: Settings, signer: Signer, *, free: bool) -> None:
        self._engine = engine
        self._client = client
        self._settings = settings
        self._signer = signer
        self._free = free
        self.live = LiveReplies()

    def start(self, ask: Ask) -> LiveReply:
        """Begin a reply and return it once the upstream has answered, or after FIRST_EVENT_S.

        Raises the Problem of a reply that failed before its first event; the question is stored all the same.
        """
        try:
            asked = questions.ask(self._engine, ask)
        except IntegrityError:  # another request has just opened this chat
            raise ReplyRunning(retry_after=1) from None
        except SQLAlchemyError as error:
            log.error("a question could not be stored: %s", type(error).__name__)
            raise Unavailable() from None
        reply = LiveReply(ask.chat, asked.answer, asked.question, ask.model)
        self.live[reply.chat] = reply
        threading.Thread(target=self._run, args=(reply, ask, asked), daemon=True, name="reply").start()
        reply.wait_started(FIRST_EVENT_S)
        return reply

    def rehearse(self, ask: Ask) -> None:
        """Make a reply in the caller's own thread and transaction, and do not report it."""
        asked = questions.ask(self._engine, ask)
        self._produce(LiveReply(ask.chat, asked.answer, asked.question, ask.model), ask, asked)

    def _run(self, reply: LiveReply, ask: Ask, asked: Asked) -> None:
        self._report(reply, ask, *self._produce(reply, ask, asked))

    def _produce(self, reply: LiveReply, ask: Ask, asked: Asked) -> tuple[Outcome, Problem | None, Relay]:
        relay = Relay(self._client, reply, self._call(ask, asked), self._settings.max_context_tokens, self.live)
        failure: Problem | None = None
        try:
            end = relay.run()
            cost = 0 if self._free else cost_nano(ask.model, end.usage) if end.usage else None
            outcome = Outcome("complete", end.reason, usage=end.usage, cost_nano=cost, left_out=reply.left_out)
        except Problem as problem:
            failure = problem
            outcome = Outcome("failed", problem=problem.members(), left_out=reply.left_out)
        except Exception as error:  # a defect of ours must not leave listeners waiting
            log.error("turn failed: %s in %s", type(error).__name__, place(error))
            failure = Problem(cause=type(error).__name__)
            outcome = Outcome("failed", problem=failure.members(), left_out=reply.left_out)
        if reply.stop_status and outcome.status == "failed":
            failure, outcome = None, Outcome(reply.stop_status, left_out=reply.left_out)
        self._settle(reply, outcome, relay)
        reply.end(outcome, failure)
        relay.close()
        return outcome, failure, relay

    def _call(self, ask: Ask, asked: Asked) -> Call:
        return Call(
            model=ask.model,
            system=self._settings.system_prompt,
            turns=asked.turns,
            max_output_tokens=self._settings.max_output_tokens,
            safety_identifier=self._signer.digest("safety", ask.visitor),
            cache_key=self._signer.digest("cache", ask.chat)[:32],
        )

    def _settle(self, reply: LiveReply, outcome: Outcome, relay: Relay) -> None:
        key = relay.key.fingerprint if relay.key else None
        for wait_s in (0.1, 1.0, None):
            try:
                conversations.finish(self._engine, reply, outcome, relay.request_id, key)
                break
            except Exception as error:  # whatever it was: listeners must not wait for ever
                log.error("an answer could not be stored: %s at %s", type(error).__name__, place(error))
                if wait_s is not None:
                    time.sleep(wait_s)
        self.live.remove(reply)

    def _report(self, reply: LiveReply, ask: Ask, outcome: Outcome, failure: Problem | None, relay: Relay) -> None:
        usage = outcome.usage
        log.log(
            logging.WARNING if failure else logging.INFO,
            "turn %s visitor=%s chat=%s model=%s key=%s tokens=%s/%s first=%sms total=%dms request=%s%s",
            outcome.status,
            ask.visitor[:8],
            ask.chat[:8],
            ask.model,
            relay.key.fingerprint if relay.key else "-",
            usage.input if usage else "?",
            usage.output if usage else "?",
            "?" if relay.first_ms is None else round(relay.first_ms),
            (time.monotonic() - reply.began) * 1000,
            relay.request_id or "-",
            f" problem={failure.code} cause={failure.cause!r}" if failure else "",
        )
