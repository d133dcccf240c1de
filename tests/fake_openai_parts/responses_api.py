"""The Responses API: the events of a streamed reply, and the response object.

Follows https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.fake_openai_parts import moderation
from tests.fake_openai_parts.calls import Usage, joined
from tests.fake_openai_parts.reply import Reply
from tests.fake_openai_parts.steps import Event

_ECHOED = (
    "instructions", "max_output_tokens", "metadata", "previous_response_id", "prompt_cache_key", "reasoning",
    "safety_identifier", "service_tier", "store", "temperature", "text", "top_p", "truncation", "user",
)  # fmt: skip
_PADDING = "abcdefghijklmnop"


class Script:
    """The events of one reply, numbered in the order they are asked for."""

    api = "responses"

    def __init__(self, identity: str, body: dict[str, Any], reply: Reply) -> None:
        self.identity = f"resp_{identity}"
        self.body = body
        self.reply = reply
        self._number = -1
        self._created = int(time.time())
        self._message = f"msg_{identity}"
        self._thinking = f"rs_{identity}"
        self._index = 1 if reply.thoughts else 0
        self._text: list[str] = []
        options = body.get("stream_options") or {}
        self._padded = options.get("include_obfuscation", True)

    def opening(self) -> Iterator[Event]:
        for kind in ("response.created", "response.in_progress"):
            yield self._event(kind, response=self.response("in_progress", None))
        yield from self._thoughts()
        item = {"id": self._message, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        yield self._event("response.output_item.added", output_index=self._index, item=item)
        yield self._part_event("response.content_part.added", part=self._part(""))

    def _thoughts(self) -> Iterator[Event]:
        if not self.reply.thoughts:
            return
        whole = "".join(self.reply.thoughts)
        place = {"item_id": self._thinking, "output_index": 0, "summary_index": 0}
        item = {"id": self._thinking, "type": "reasoning", "summary": []}
        yield self._event("response.output_item.added", output_index=0, item=item)
        part = {"type": "summary_text", "text": ""}
        yield self._event("response.reasoning_summary_part.added", **place, part=part)
        for thought in self.reply.thoughts:
            yield replace(
                self._event("response.reasoning_summary_text.delta", **place, delta=thought), thought=thought, tokens=1
            )
        yield self._event("response.reasoning_summary_text.done", **place, text=whole)
        part = {"type": "summary_text", "text": whole}
        yield self._event("response.reasoning_summary_part.done", **place, part=part)
        yield self._event("response.output_item.done", output_index=0, item={**item, "summary": [part]})

    def delta(self, piece: str) -> Event:
        self._text.append(piece)
        kind = "response.refusal.delta" if self.reply.refuses else "response.output_text.delta"
        more: dict[str, Any] = {} if self.reply.refuses else {"logprobs": []}
        if self._padded:
            more["obfuscation"] = _PADDING[: 16 - len(piece) % 16]
        return replace(self._part_event(kind, delta=piece, **more), text=piece, tokens=1)

    def closing(self, usage: Usage | None, status: str = "", as_completed: bool = False) -> Iterator[Event]:
        """The events after the last delta; `as_completed` wraps any status in `response.completed`."""
        reason = self.reply.incomplete
        status = status or ("incomplete" if reason else "completed")
        whole = self.whole()
        if self.reply.refuses:
            yield self._part_event("response.refusal.done", refusal=whole)
        else:
            yield self._part_event("response.output_text.done", text=whole, logprobs=[])
        yield self._part_event("response.content_part.done", part=self._part(whole))
        yield self._event("response.output_item.done", output_index=self._index, item=self._item(status))
        yield self.final(usage, status, as_completed)

    def final(self, usage: Usage | None, status: str, as_completed: bool = False) -> Event:
        kind = "response.completed" if as_completed else f"response.{status}"
        return self._event(kind, response=self.response(status, usage))

    def failed(self, code: str, message: str, usage: Usage | None) -> Event:
        response = self.response("failed", usage)
        response["error"] = {"code": code, "message": message}
        return self._event("response.failed", response=response)

    def error(self, kind: str, code: str | None, message: str) -> Event:
        """An `error` event: `flat` as documented, `nested` and `string` as seen in the wild."""
        if kind == "nested":
            error: Any = {"type": "server_error", "code": code, "message": message, "param": None}
            return self._event("error", error=error)
        if kind == "string":
            return self._event("error", error=message)
        return self._event("error", code=code, message=message, param=None)

    def unknown(self) -> Iterator[Event]:
        yield Event({"type": "ping"}, "ping")
        yield self._event("response.something_new.delta", delta={"not": "text"}, item_id="x")
        yield self._event("keepalive")
        yield self._event(
            "response.output_text.annotation.added",
            item_id=self._message,
            output_index=self._index,
            content_index=0,
            annotation_index=0,
            annotation={"type": "new", "delta": "no"},
        )
        yield Event({"delta": "an event without a type", "sequence_number": 0})

    def whole(self) -> str:
        """The reply so far, halves of characters joined."""
        return joined(self._text)

    def response(self, status: str, usage: Usage | None) -> dict[str, Any]:
        done = status != "in_progress"
        output = [self._item(status)] if done else []
        if done and self.reply.thoughts:
            summary = {"type": "summary_text", "text": "".join(self.reply.thoughts)}
            output.insert(0, {"id": self._thinking, "type": "reasoning", "summary": [summary]})
        reason = (self.reply.incomplete or "max_output_tokens") if status == "incomplete" else None
        failed = {"code": "server_error", "message": "The model failed."} if status == "failed" else None
        echoed = {name: self.body.get(name) for name in _ECHOED}
        scores = moderation.scores("responses", self.body.get("moderation"), self.reply.flagged) if done else None
        return {
            **echoed, "id": self.identity, "object": "response", "created_at": self._created, "status": status,
            "model": self.body.get("model"), "output": output, "error": failed,
            "completed_at": int(time.time()) if status == "completed" else None,
            "incomplete_details": {"reason": reason} if reason else None,
            "background": False, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "moderation": scores, "usage": usage_dict(usage) if usage else None,
        }  # fmt: skip

    def _item(self, status: str) -> dict[str, Any]:
        status = status if status in ("completed", "in_progress") else "incomplete"
        content = [self._part(self.whole())]
        return {"id": self._message, "type": "message", "status": status, "role": "assistant", "content": content}

    def _part(self, text: str) -> dict[str, Any]:
        if self.reply.refuses:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _part_event(self, kind: str, **data: Any) -> Event:
        return self._event(kind, item_id=self._message, output_index=self._index, content_index=0, **data)

    def _event(self, kind: str, **data: Any) -> Event:
        self._number += 1
        return Event({"type": kind, "sequence_number": self._number, **data}, kind)


def usage_dict(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
