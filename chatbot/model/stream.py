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
from chatbot.model.sse import EventSplitter

_decode = msgspec.json.Decoder().decode
MOST_TOKENS = 100_000_000
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
        for data in events:
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
        except msgspec.DecodeError:
            self._odd = True
        try:
            return json.loads(data)  # lets half a surrogate pair pass
        except ValueError:
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
            batch.text += _text(event.get("delta"))
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            batch.reasoning += _text(event.get("delta"))
        elif kind == "response.reasoning_summary_part.added" and event.get("summary_index"):
            batch.reasoning += "\n\n"
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._close(str(kind).removeprefix("response."), _dict(event.get("response")), batch)
        elif kind == "error" or (kind is None and "error" in event):
            batch.problem = problem_of_code(*_code(event))

    def _close(self, kind: str, response: dict[str, Any], batch: Batch) -> None:
        status = response.get("status") or kind
        if not (batch.text or self.had_text or self._held):
            batch.text += _output_text(response)
        if status == "completed":
            batch.end = End("stop", _usage(response.get("usage")))
        elif status == "incomplete":
            reason = _dict(response.get("incomplete_details")).get("reason")
            batch.end = End(_REASONS.get(str(reason), "other"), _usage(response.get("usage")))
        else:
            batch.problem = problem_of_code(*_code(response))


class ChatDecoder(ReplyDecoder):
    """Chunks of Chat Completions; a reply ends with a finish_reason or [DONE]; usage comes with it, after or never."""

    def __init__(self) -> None:
        super().__init__()
        self._reason: str | None = None
        self._usage: Usage | None = None

    def _take(self, event: dict[str, Any], batch: Batch) -> None:
        if event.get("error"):
            batch.problem = problem_of_code(*_code(event))
            return
        self._usage = _usage(event.get("usage")) or self._usage
        choices = event.get("choices")
        choice = _dict(choices[0]) if isinstance(choices, list) and choices else {}
        self._usage = _usage(choice.get("usage")) or self._usage
        delta = _dict(choice.get("delta"))
        batch.text += _text(delta.get("content")) + _text(delta.get("refusal"))
        batch.reasoning += _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
        if choice.get("finish_reason"):
            self._reason = _REASONS.get(str(choice["finish_reason"]), "other")

    def _last_end(self, done: bool = False) -> End | None:
        return End(self._reason or "other", self._usage) if self._reason or done else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _joined(text: str, ended: bool) -> tuple[str, str]:
    """The text with its surrogate pairs joined, and the half at its end that may yet become whole."""
    held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" and not ended else ""
    return text.removesuffix(held).encode("utf-16", "surrogatepass").decode("utf-16", "replace"), held


def _code(event: dict[str, Any]) -> tuple[str, str]:
    """The code and type of an error that stands in the event itself, in its `error`, or is a bare string."""
    error = event.get("error")
    told = error if isinstance(error, dict) else event
    code = told.get("code") or (error if isinstance(error, str) else "")
    return str(code or ""), str(told.get("type") or "")


def _output_text(response: dict[str, Any]) -> str:
    """The whole text of a final response, for servers that send no deltas."""
    output = response.get("output")
    items = [_dict(item) for item in output] if isinstance(output, list) else []
    parts = [_dict(part) for item in items if isinstance(item.get("content"), list) for part in item["content"]]
    return "".join(_text(part.get("text")) or _text(part.get("refusal")) for part in parts)


def _usage(value: object) -> Usage | None:
    """Usage in either API's names; None when it is not told."""
    told = _dict(value)
    if not told:
        return None
    details = _dict(told.get("input_tokens_details") or told.get("prompt_tokens_details"))
    made = _dict(told.get("output_tokens_details") or told.get("completion_tokens_details"))
    return Usage(
        input=_count(told.get("input_tokens", told.get("prompt_tokens"))),
        cached=_count(details.get("cached_tokens")),
        cache_write=_count(details.get("cache_write_tokens")),
        output=_count(told.get("output_tokens", told.get("completion_tokens"))),
        reasoning=_count(made.get("reasoning_tokens")),
    )


def _count(value: object) -> int:
    """Tokens; a number that no answer can have is none."""
    return value if isinstance(value, int) and 0 < value < MOST_TOKENS else 0
