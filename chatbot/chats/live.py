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
        self.chat, self.message, self.question, self.model = chat, message, question, model
        self.begun = begun or Begun()
        self.began = time.monotonic()
        self.cut = Cut()
        self.left_out = 0
        self.shortened_to: int | None = None  # tokens, where what is left of a budget allows no more
        self.started = False  # has the upstream answered?
        self.size = 0  # characters of text and reasoning, without what had begun
        self.stop_status: str | None = None
        self.outcome: Outcome | None = None
        self.failure: Problem | None = None  # as it was raised, for an answer that has not begun
        self._pieces = [(self.begun.text, self.begun.reasoning)] if self.begun.rounds else []
        self._changed = threading.Condition(threading.Lock())

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self._pieces)

    @property
    def reasoning(self) -> str:
        return "".join(reasoning for _, reasoning in self._pieces)

    def append(self, text: str, reasoning: str) -> None:
        """Add what came; the first call, even with nothing, says that the upstream has answered.

        A NUL is replaced here: PostgreSQL keeps none, and all listeners are to have the same text.
        """
        text, reasoning = text.replace("\0", "\ufffd"), reasoning.replace("\0", "\ufffd")
        with self._changed:
            if text or reasoning:
                self._pieces.append((text, reasoning))
                self.size += len(text) + len(reasoning)
            if text or reasoning or not self.started:
                self.started = True
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
        return self.listen(len(self.begun.text), heard=1 if self.begun.rounds else 0)

    def listen(self, after: int = 0, heard: int = 0) -> Iterator[Progress | None]:
        """What is there beyond character `after` of the text, then what comes, to the outcome; None after each silence.

        `heard`: so many pieces end there, whose reasoning is not told again.
        """
        position = after if heard else 0
        while True:
            with self._changed:
                if heard == len(self._pieces) and self.outcome is None:
                    self._changed.wait(SILENCE_S)
                new, outcome = self._pieces[heard:], self.outcome
            heard += len(new)
            text, reasoning = "".join(text for text, _ in new), "".join(reasoning for _, reasoning in new)
            text, position = text[max(0, after - position) :], position + len(text)
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
