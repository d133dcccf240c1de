"""The live reply: an append-only text, made by one producer and shared by any number of listeners."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.errors import Problem
from chatbot.model.cut import Cut
from chatbot.model.events import Usage

SILENCE_S = 10  # a listener that has waited this long is told so


@dataclass(frozen=True)
class Outcome:
    """How a reply ended. `status`: complete, stopped, interrupted or failed; the problem's members when failed."""

    status: str
    finish_reason: str | None = None
    problem: dict[str, object] | None = None
    usage: Usage | None = None
    cost_nano: int | None = None
    left_out: int = 0


@dataclass(frozen=True)
class Begun:
    """What a cut answer has already, when it is gone on with for the `rounds`-th time; nothing in an answer's first."""

    text: str = ""
    reasoning: str = ""
    rounds: int = 0


@dataclass(frozen=True)
class Progress:
    """What is new for one listener: text up to character `position` of the reply, and the outcome once it ended."""

    text: str = ""
    reasoning: str = ""
    position: int = 0
    outcome: Outcome | None = None


class LiveReply:
    """One reply while it is made. The producer appends and ends it; listeners read from any character on."""

    def __init__(self, chat: str, message: str, question: str, model: str, begun: Begun | None = None) -> None:
        self.begun = begun or Begun()
        self.chat, self.message, self.question, self.model = chat, message, question, model
        self.cut = Cut()
        self.left_out = 0
        self.shortened_to: int | None = None  # tokens, where what is left of a budget allows no more
        self.began = time.monotonic()
        self.outcome: Outcome | None = None
        self.failure: Problem | None = None  # as it was raised, for an answer that has not begun
        self.stop_status: str | None = None
        self.length = len(self.begun.text)  # characters of text
        self.size = 0  # of text and reasoning, without what had begun
        self._texts = [self.begun.text] if self.begun.text else []
        self._reasonings = [self.begun.reasoning] if self.begun.reasoning else []
        self.started = False  # has the upstream answered?
        self._changed = threading.Condition(threading.Lock())

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasonings)

    def append(self, text: str, reasoning: str) -> None:
        """Add what came; the first call, even with nothing, says that the upstream has answered.

        A NUL is replaced here: PostgreSQL keeps none, and all listeners are to have the same text.
        """
        text, reasoning = text.replace("\0", "\ufffd"), reasoning.replace("\0", "\ufffd")
        with self._changed:
            is_news = bool(text or reasoning) or not self.started
            self.started = True
            if text:
                self._texts.append(text)
                self.length += len(text)
            if reasoning:
                self._reasonings.append(reasoning)
            self.size += len(text) + len(reasoning)
            if is_news:
                self._changed.notify_all()

    def end(self, outcome: Outcome, failure: Problem | None = None) -> None:
        with self._changed:
            self.outcome, self.failure = outcome, failure
            self._changed.notify_all()

    def stop(self, status: str = "stopped") -> None:
        """End it from outside: the producer wakes, keeps what came so far and marks it with this status."""
        if self.outcome is None:
            self.stop_status = self.stop_status or status
            self.cut.pull()
            with self._changed:
                self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait before another attempt; a stop ends the wait."""
        with self._changed:
            self._changed.wait_for(lambda: self.stop_status is not None, seconds)

    def wait_started(self, seconds: float) -> None:
        """Wait for the upstream's first event. Raises the Problem of a reply that failed before it."""
        with self._changed:
            self._changed.wait_for(lambda: self.started or self.outcome is not None, seconds)
        if self.failure is not None and not self.started:
            raise self.failure

    def wait_ended(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.outcome is not None, seconds)

    def listen_on(self) -> Iterator[Progress | None]:
        """Only what comes in this round, for who has the rest."""
        return self.listen(len(self.begun.text), reasonings=1 if self.begun.reasoning else 0)

    def listen(self, after: int = 0, reasonings: int = 0) -> Iterator[Progress | None]:
        """What is there beyond character `after` of the text and the first `reasonings` pieces of reasoning, then what
        comes, to the outcome; None after each silence."""
        texts = 0
        skip = after
        while True:
            with self._changed:
                if texts == len(self._texts) and reasonings == len(self._reasonings) and self.outcome is None:
                    self._changed.wait(SILENCE_S)
                text = "".join(self._texts[texts:])
                reasoning = "".join(self._reasonings[reasonings:])
                texts, reasonings = len(self._texts), len(self._reasonings)
                position, outcome = self.length, self.outcome
            if skip:
                text, skip = text[skip:], max(0, skip - len(text))
            if text or reasoning or outcome:
                yield Progress(text, reasoning, max(position, after), outcome)
                if outcome:
                    return
            else:
                yield None


class LiveReplies(dict[str, LiveReply]):
    """The replies that this process is making, by chat."""

    def remove(self, reply: LiveReply) -> None:
        if self.get(reply.chat) is reply:  # the chat's next one may be here already
            del self[reply.chat]

    def close(self, seconds: float) -> None:
        """The process is about to end: keep what every reply has, marked interrupted."""
        for reply in list(self.values()):
            reply.stop("interrupted")
        deadline = time.monotonic() + seconds
        for reply in list(self.values()):
            reply.wait_ended(max(0.0, deadline - time.monotonic()))
