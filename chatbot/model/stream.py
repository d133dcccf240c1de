"""The stream of a reply, as bytes, into batches of text: each event is decoded once, by msgspec, without SDK types.

Event shapes: https://platform.openai.com/docs/api-reference/responses-streaming and .../chat-streaming
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chatbot.errors import Broken
from chatbot.model.events import Batch, End, Usage
from chatbot.model.faults import problem_of_code
from chatbot.model.members import code_of, flags, object_of, output_text_of, text_of, usage_of
from chatbot.model.sse import EventSplitter

_decode = msgspec.json.Decoder().decode
_REASONS = {
    "stop": "stop",
    "length": "length",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content-filter",
}


class ReplyDecoder:
    """What both APIs have in common: split, decode, join the text, keep what ends the reply."""

    def __init__(self) -> None:
        self._events = EventSplitter()
        self._held = self._held_reasoning = ""  # first half of a surrogate pair
        self._odd = False
        self.had_text = False

    def feed(self, data: bytes) -> Batch:
        """The batch that these bytes complete. Damage becomes the batch's problem, after the text before it."""
        batch = Batch()
        try:
            self._read(self._events.feed(data), batch)
        except ValueError:
            batch.problem = Broken(cause="an event of over 4 MiB")
        return self._whole(batch)

    def finish(self) -> Batch:
        """The connection has ended: the reply's end if it was told, otherwise a problem."""
        batch = Batch()
        self._read(self._events.finish(), batch)
        if not (batch.end or batch.problem):
            batch.end = self._last_end()
        if not (batch.end or batch.problem):
            batch.problem = Broken(cause="the stream ended without a final event")
        return self._whole(batch)

    def _read(self, events: list[bytes], batch: Batch) -> None:
        for data in filter(None, map(bytes.strip, events)):
            batch.events += 1
            if data == b"[DONE]":
                batch.end = self._last_end(done=True)
            elif isinstance(event := self._event(data), dict):
                self._take(event, batch)
            else:
                batch.problem = Broken(cause="an event that is not a JSON object")
            if batch.end or batch.problem:
                return

    def _event(self, data: bytes) -> Any:
        try:
            return _decode(data)
        except (msgspec.DecodeError, RecursionError):
            self._odd = True
        try:
            return json.loads(data)  # lets half a surrogate pair pass
        except (ValueError, RecursionError):
            return None

    def _whole(self, batch: Batch) -> Batch:
        """Join surrogate pairs that two deltas share; what stays half becomes U+FFFD."""
        if self._odd:
            ended = bool(batch.end or batch.problem)
            batch.text, self._held = _joined(self._held + batch.text, ended)
            batch.reasoning, self._held_reasoning = _joined(self._held_reasoning + batch.reasoning, ended)
        self.had_text = self.had_text or bool(batch.text)
        return batch

    def _take(self, event: dict[str, Any], batch: Batch) -> None:
        raise NotImplementedError

    def _last_end(self, done: bool = False) -> End | None:
        return None


class ResponsesDecoder(ReplyDecoder):
    """Events of the Responses API; a reply ends with response.completed, .incomplete or .failed."""

    def _take(self, event: dict[str, Any], batch: Batch) -> None:
        kind = event.get("type")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            batch.text += text_of(event.get("delta"))
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            batch.reasoning += text_of(event.get("delta"))
        elif kind == "response.reasoning_summary_part.added" and event.get("summary_index"):
            batch.reasoning += "\n\n"
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._close(str(kind).removeprefix("response."), object_of(event.get("response")), batch)
        elif kind == "error" or (kind is None and "error" in event):
            batch.problem = problem_of_code(*code_of(event))

    def _close(self, kind: str, response: dict[str, Any], batch: Batch) -> None:
        status = response.get("status") or kind
        if not (batch.text or self.had_text or self._held):
            batch.text += output_text_of(response)
        batch.flagged = flags(response.get("moderation"))
        if status == "completed":
            batch.end = End("stop", usage_of(response.get("usage")))
        elif status == "incomplete":
            reason = object_of(response.get("incomplete_details")).get("reason")
            batch.end = End(_REASONS.get(str(reason), "other"), usage_of(response.get("usage")))
        else:
            batch.problem, batch.usage = problem_of_code(*code_of(response)), usage_of(response.get("usage"))


class ChatDecoder(ReplyDecoder):
    """Chunks of Chat Completions; a reply ends with a finish_reason or [DONE]; usage comes with it, after or never."""

    def __init__(self) -> None:
        super().__init__()
        self._reason: str | None = None
        self._usage: Usage | None = None

    def _take(self, event: dict[str, Any], batch: Batch) -> None:
        told = usage_of(event.get("usage"))
        self._usage = told or self._usage
        if event.get("error"):
            batch.problem, batch.usage = problem_of_code(*code_of(event)), self._usage
            return
        if event.get("moderation"):
            batch.flagged = batch.flagged or flags(event["moderation"])
        choices = event.get("choices")
        choice = object_of(choices[0]) if isinstance(choices, list) and choices else {}
        if choice.get("index"):
            return  # one answer is asked for, and some servers make more
        delta = object_of(choice.get("delta"))
        text = text_of(delta.get("content")) + text_of(delta.get("refusal"))
        reasoning = text_of(delta.get("reasoning_content")) or text_of(delta.get("reasoning"))
        # What was told before more came was not all.
        self._usage = told or usage_of(choice.get("usage")) or (None if text or reasoning else self._usage)
        batch.text += text
        batch.reasoning += reasoning
        reason = choice.get("finish_reason")
        if reason == "error":
            batch.problem, batch.usage = problem_of_code(*code_of(choice)), self._usage
        elif reason:
            self._reason = _REASONS.get(str(reason), "other")

    def _last_end(self, done: bool = False) -> End | None:
        return End(self._reason or "other", self._usage) if self._reason or done else None


def _joined(text: str, ended: bool) -> tuple[str, str]:
    """The text with its surrogate pairs joined, and the half at its end that may yet become whole."""
    held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" and not ended else ""
    return text.removesuffix(held).encode("utf-16", "surrogatepass").decode("utf-16", "replace"), held
