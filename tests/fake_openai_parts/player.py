"""Sends a model's answer over a connection, counting every token, until it ends or the client leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.fake_openai_parts import responses_api
from tests.fake_openai_parts.calls import Call, Usage
from tests.fake_openai_parts.connection import Connection
from tests.fake_openai_parts.directives import Plan
from tests.fake_openai_parts.reply import Reply
from tests.fake_openai_parts.steps import Encoder, Event, Hold, Outcome, Pause, Raw, Step, Stop, split_inside_characters
from tests.fake_openai_parts.stream import FOREVER_S, Script, steps

HOLD_PAUSE_S = 0.005
SPLIT_PAUSE_S = 0.001
"""Between the parts of a split write, so that the other side reads them one by one."""


class Player:
    """One answer. Keeps `call` (text, usage, outcome) true at every moment."""

    def __init__(self, connection: Connection, call: Call, plan: Plan, script: Script) -> None:
        self._connection = connection
        self._call = call
        self._plan = plan
        self._script = script
        self._reply: Reply = script.reply
        self._made = self._silences = 0
        self._held: list[bytes] | None = [] if "one-write" in plan else None
        call.usage = Usage(self._reply.input, self._reply.cached, self._reply.cache_write)

    def stream(self, headers: dict[str, str]) -> None:
        """The streamed answer. Raises ClientGone."""
        encoder = Encoder(self._plan)
        self._connection.head(200, {**headers, "Content-Type": "text/event-stream; charset=utf-8"}, None)
        self._call.billed = True
        self._count(0)
        for step in steps(self._script, self._call, self._plan):
            if self._play(step, encoder):
                return
        self._flush()
        self._connection.end_body()

    def _play(self, step: Step, encoder: Encoder) -> bool:
        """True when the answer is over."""
        if isinstance(step, Event):
            self._connection.pause(0)
            self._write(encoder.encode(step))
            self._deliver(step)
        elif isinstance(step, Raw):
            self._write(step.data)
        elif isinstance(step, Pause):
            if step.seconds:
                self._flush()
            self._connection.pause(step.seconds)
        elif isinstance(step, Hold):
            self._flush()
            self._silences += 1
            while self._call.goes_on < self._silences:
                self._connection.pause(HOLD_PAUSE_S)
        elif isinstance(step, Outcome):
            self._call.outcome = step.name
            if step.name == "failed" and not self._made:
                self._call.billed = False
        elif isinstance(step, Stop):
            self._flush()
            self._stop(step.how)
            return True
        return False

    def _stop(self, how: str) -> None:
        if how == "end":
            self._connection.end_body()
        elif how == "fin":
            self._connection.close()
        else:
            self._connection.pause(SPLIT_PAUSE_S * 20)  # an RST at once would take the last bytes with it
            self._connection.reset()

    def _deliver(self, event: Event) -> None:
        if event.text:
            self._call.pieces.append(event.text)
        self._call.thoughts += event.thought
        if event.tokens:
            self._count(event.tokens)

    def _count(self, more: int) -> None:
        """Adds tokens to the usage: the hidden reasoning first, thoughts being a part of it, then the text."""
        self._made += more
        thoughts = min(self._made, len(self._reply.thoughts))
        hidden = self._reply.reasoning - len(self._reply.thoughts) if self._made >= len(self._reply.thoughts) else 0
        self._call.usage.reasoning = self._reply.capped(thoughts + max(0, hidden))
        self._call.usage.output = self._reply.capped(self._made + max(0, hidden))

    def count_overrun(self) -> None:
        """The tokens the model had already made when the client left."""
        self._call.usage.output = self._reply.capped(self._call.usage.output + self._reply.overrun)

    def _write(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        for part in self._parts(data):
            self._connection.body(part)

    def _flush(self) -> None:
        if self._held:
            self._connection.body(b"".join(self._held))
            self._held = []

    def _parts(self, data: bytes) -> Iterator[bytes]:
        if "split" in self._plan:
            size = max(1, self._plan.count("split", 1))
            yield from (data[start : start + size] for start in range(0, len(data), size))
        elif "split-utf8" in self._plan:
            for part in split_inside_characters(data):
                yield part
                self._connection.pause(SPLIT_PAUSE_S)
        else:
            yield data

    def whole(self, headers: dict[str, str]) -> None:
        """The answer in one piece, for a call that is not streamed. Raises ClientGone."""
        plan, call = self._plan, self._call
        self._connection.pause(plan.number("first", 0) + plan.number("delay", 0) / 1000 * len(self._reply.pieces))
        pieces = ["tok "] * 1_000 if "endless" in plan else self._reply.pieces
        for piece in pieces:
            self._script.delta(piece)
        call.pieces = [self._script.whole()]
        call.thoughts = "".join(self._reply.thoughts)
        self._count(len(pieces) + len(self._reply.thoughts))
        call.billed = True
        body = self._body()
        headers = {**headers, "Content-Type": "application/json"}
        if "hang" in plan:
            self._connection.pause(plan.number("hang", FOREVER_S, position=1))
        if any(name in plan for name in ("cut", "truncate", "end")):
            call.outcome = "fault"
            self._connection.head(200, headers, len(body))
            self._connection.send(body[: len(body) // 2])
            self._stop("reset" if "cut" in plan else "fin")
            return
        call.outcome = call.outcome or ("incomplete" if self._reply.incomplete else "completed")
        self._connection.answer(200, headers, body)

    def _body(self) -> bytes:
        plan, script = self._plan, self._script
        usage = None if "no-usage" in plan else self._call.usage
        if "garbage" in plan or "bad-json" in plan or "huge-line" in plan:
            self._call.outcome = "fault"
            return b'{"id": "resp_cut", "output": [{"type": "mess'
        if isinstance(script, responses_api.Script):
            status = "failed" if _fails(plan) else plan.word("completed-as")
            self._call.outcome = status
            status = status or ("incomplete" if self._reply.incomplete else "completed")
            return json.dumps(script.response(status, usage)).encode()
        return json.dumps(script.response(usage)).encode()


def _fails(plan: Plan) -> bool:
    return any(name in plan for name in ("failed", "error-then-failed", "error-event", "stream-error", "too-long"))
