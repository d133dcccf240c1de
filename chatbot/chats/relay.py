"""The relay of one reply: attempts, the retry, the next key, and each batch from the upstream into the live reply."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from chatbot.alerts.alarm import Alarms
from chatbot.chats.context import fit, most_tokens
from chatbot.chats.live import LiveReplies, LiveReply
from chatbot.errors import Broken, Problem, Withheld
from chatbot.key.credential import Credential
from chatbot.key.watch import Listener, watch
from chatbot.model.client import Client
from chatbot.model.events import Batch, Call, End
from chatbot.model.faults import ContextTooLong, KeyRefused, KeyUnfit
from chatbot.model.reply import Reply
from chatbot.money.account import Account
from chatbot.money.charge import Attempt
from chatbot.reload import LONGEST_REPLY_S

BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 5.0  # an upstream that asks for more is not asked again in this turn
CHARS_PER_TOKEN = 32  # no bounded answer is longer: a server that ignores its bound is cut off here
PACE_S = 0.00125  # pause after each read, times the live replies: the busier the worker, the larger its batches
LONGEST_PACE_S = 0.1
MOST_KEYS = 10  # refused in one turn: each is another one, put in place while the turn was under way


class Relay:
    """Makes one reply. `call.turns` is the whole chat; what does not fit `context_tokens` is left out, oldest first."""

    def __init__(
        self, client: Client, account: Account, reply: LiveReply, call: Call, context_tokens: int, others: LiveReplies,
        alarms: Alarms,
    ) -> None:  # fmt: skip
        self._client, self._reply, self._call, self._others = client, reply, call, others
        self._context_tokens = context_tokens
        self._alarms = alarms
        self.account = account
        self._ring = client.ring
        self._tried: list[Credential] = []
        self._ear, self._inner_ear = Listener(watch), Listener(watch)
        self._ear.hears(reply.begun.text)  # a key must not come in pieces, round by round
        self._inner_ear.hears(reply.begun.reasoning)
        self._retried = False
        self._upstream: Reply | None = None
        self.key: Credential | None = None  # of the last attempt
        self.fingerprint: str | None = None
        self.request_id = ""
        self.flagged = False  # by moderation
        self.first_ms: int | None = None

    def reserve(self) -> None:
        """Hold the money for the next attempt, after booking the last. Raises the Problem where there is not enough."""
        turns, self._reply.left_out = fit(self._call.system, self._call.turns, self._context_tokens, self._call.kept)
        hold = self.account.open(most_tokens(self._call.system, turns))
        self._fitted = replace(self._call, turns=turns, max_output_tokens=hold.max_output_tokens)
        is_short = hold.max_output_tokens < self._call.max_output_tokens
        self._reply.shortened_to = hold.max_output_tokens if is_short else None

    def run(self) -> End:
        """Make the reply to its end. Raises its Problem, after a retry where that helps."""
        while True:
            try:
                return self._attempt()
            except (KeyRefused, KeyUnfit) as problem:
                self._change_key(problem)
            except ContextTooLong:
                if self._reply.size or not self._shorten():
                    raise
            except Problem as problem:
                self._wait_or_raise(problem)

    def close(self) -> None:
        """Let go of the connection; may take a moment, so listeners are woken before."""
        if self._upstream is not None:
            self._upstream.close()

    def _attempt(self) -> End:
        if self.account.attempt is not None:
            self.reserve()
        attempt = self.account.begin()
        try:
            end = self._listen(attempt)
            if end.usage is not None and end.usage.output > self._fitted.max_output_tokens:
                self._client.form.overran()
            attempt.usage, attempt.outcome = end.usage, "complete"
            return end
        except Problem as problem:
            attempt.hear("")
            attempt.charged, attempt.outcome = problem.charged, self._reply.stop_status or problem.code
            raise

    def _listen(self, attempt: Attempt) -> End:
        self.close()
        self.key, asked_at = self._ring.lead(self._tried), time.monotonic()
        self.fingerprint = attempt.key = self.key.fingerprint if self.key else None
        self._upstream = self._client.open(self._fitted, self._reply.cut, self.key)
        self._ring.accept(self.key, asked_at)
        self.request_id = attempt.request_id = self._upstream.request_id
        for batch in self._upstream:
            self.flagged = self._upstream.flagged or batch.flagged
            attempt.usage = batch.usage or attempt.usage
            attempt.hear(batch.text + batch.reasoning)
            if batch.text or (batch.events and batch.problem is None):
                self._deliver(batch, attempt)
            if batch.problem is not None:
                raise batch.problem
            if batch.end is not None:
                return batch.end
            if self._is_too_long():
                return End("length")
            if len(self._others) > 1:
                pace_s = min(LONGEST_PACE_S, PACE_S * len(self._others))
                together_s = pace_s / 2  # those due within it wake together, which is cheaper than one by one
                time.sleep(pace_s + -(time.monotonic() + pace_s) % together_s)
            else:
                time.sleep(0)  # let others have their turn, however fast the upstream is
        raise Broken(cause="the stream ended without a final event")

    def _deliver(self, batch: Batch, attempt: Attempt) -> None:
        if self._ear.hears(batch.text) or self._inner_ear.hears(batch.reasoning):
            words = "an answer held a piece of a key and was stopped: the server at OPENAI_BASE_URL tells it"
            self._alarms.raise_alarm("leak", "model answer", words, period="hour")
            raise Withheld(cause="the answer held a piece of a key")
        if self.first_ms is None and batch.text:
            self.first_ms = attempt.first_ms = round((time.monotonic() - self._reply.began) * 1000)
        self._reply.append(batch.text, batch.reasoning)

    def _is_too_long(self) -> bool:
        if time.monotonic() - self._reply.began > LONGEST_REPLY_S:
            raise Broken(cause=f"not complete after {LONGEST_REPLY_S} s")
        return self._reply.size > self._fitted.max_output_tokens * CHARS_PER_TOKEN

    def _change_key(self, problem: Problem) -> None:
        """Let the next attempt use another key; raise where there is none, or where the answer has begun."""
        if self.key is None:
            raise problem
        self._tried.append(self.key)
        if isinstance(problem, KeyRefused):
            self._ring.refuse(self.key)
        else:
            self._ring.pass_over(self.key, problem.cause)
        has_more = len(self._tried) <= MOST_KEYS and self._ring.after(self._tried) is not None
        if self._reply.started or self._reply.stop_status or not has_more:
            raise problem

    def _shorten(self) -> bool:
        """Halve what is sent of the chat; False when nothing but the question is left."""
        sent = len(self._call.turns) - self._reply.left_out
        while sent > self._call.kept:
            self._context_tokens //= 2
            kept, _ = fit(self._call.system, self._call.turns, self._context_tokens, self._call.kept)
            if len(kept) < sent:
                return True
        return False

    def _wait_or_raise(self, problem: Problem) -> None:
        """Wait before the one retry; raise where it would not help, is not allowed, or is asked to wait too long."""
        told = problem.retry_after if problem.told_wait else None
        wait_s = BACK_OFF_S * random.uniform(1, 2) if told is None else told
        too_late = self._retried or self._reply.started or self._reply.stop_status
        if too_late or not problem.retryable or wait_s > LONGEST_BACK_OFF_S:
            raise problem
        self._retried = True
        self._reply.pause(wait_s)
        if self._reply.stop_status:
            raise problem
