"""Chat Completions: the chunks of a streamed reply, and the completion object.

Follows https://developers.openai.com/api/reference/resources/chat/completions/streaming-events
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tests.fake_openai_parts import moderation
from tests.fake_openai_parts.calls import Usage, joined
from tests.fake_openai_parts.directives import Plan
from tests.fake_openai_parts.reply import Reply
from tests.fake_openai_parts.steps import Event

_FINISH = {"": "stop", "max_output_tokens": "length", "content_filter": "content_filter"}
_PADDING = "abcdefghijklmnop"
DONE = Event("[DONE]")


class Script:
    """The chunks of one reply."""

    api = "chat"

    def __init__(self, identity: str, body: dict[str, Any], reply: Reply, plan: Plan) -> None:
        self.identity = f"chatcmpl-{identity}"
        self.body = body
        self.reply = reply
        self.plan = plan
        self._created = int(time.time())
        self._text: list[str] = []
        options = body.get("stream_options") or {}
        self._wants_usage = bool(options.get("include_usage"))
        self._padded = options.get("include_obfuscation", True)
        self._place = plan.word("usage-place")
        self._thought_field = "reasoning" if "reasoning-text" in plan else "reasoning_content"

    def opening(self) -> Iterator[Event]:
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        for thought in self.reply.thoughts:
            chunk = self._chunk({"content": None, self._thought_field: thought})
            yield Event(chunk.data, thought=thought, tokens=1)
        if "null-content" in self.plan:
            yield self._chunk({"role": "assistant", "content": None})
            yield self._chunk({})

    def delta(self, piece: str, usage: Usage | None = None) -> Event:
        """A chunk with a piece of text; `usage` is for servers that count in every chunk."""
        self._text.append(piece)
        chunk = self._chunk({"refusal" if self.reply.refuses else "content": piece}, usage=usage)
        if self._padded and isinstance(chunk.data, dict):
            chunk.data["obfuscation"] = _PADDING[: 16 - len(piece) % 16]
        return Event(chunk.data, text=piece, tokens=1)

    def closing(self, usage: Usage | None, status: str = "", as_completed: bool = False) -> Iterator[Event]:
        """The last chunks; without `usage`, or where nobody asked for it, none carries any."""
        wanted = usage if self._wants_usage or self._place else None
        finish = None if "no-finish" in self.plan else _FINISH.get(self.reply.incomplete, self.reply.incomplete)
        last = self._chunk({}, finish, wanted if self._place in ("last-content", "always") else None)
        if self._place == "choices" and wanted and isinstance(last.data, dict):
            last.data["choices"][0]["usage"] = usage_dict(wanted)
        if isinstance(last.data, dict) and (scores := self._scores()):
            last.data["moderation"] = scores
        yield last
        if wanted and not self._place:
            yield self._chunk(None, usage=wanted)
        if "no-done" not in self.plan:
            yield DONE

    def error(self, kind: str, code: str | None, message: str) -> Event:
        """An error in the stream: an object, or with `string` a bare one."""
        error: Any = {"message": message, "type": "server_error", "param": None, "code": code}
        return Event({"error": message if kind == "string" else error})

    def unknown(self) -> Iterator[Event]:
        yield Event({"type": "ping"}, "ping")
        yield Event({"id": self.identity, "object": "chat.completion.something_new", "choices": []})
        yield self._chunk({"content": None, "novelty": {"delta": "no"}, "tool_calls": None})
        yield Event({**self._data({"content": ""}), "prompt_filter_results": [{"prompt_index": 0}]}, "message")

    def whole(self) -> str:
        return joined(self._text)

    def response(self, usage: Usage | None) -> dict[str, Any]:
        """The completion of a call that is not streamed."""
        text = self.whole()
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
        if self.reply.refuses:
            message.update(content=None, refusal=text)
        if self.reply.thoughts:
            message[self._thought_field] = "".join(self.reply.thoughts)
        finish = _FINISH.get(self.reply.incomplete, self.reply.incomplete)
        return {
            "id": self.identity,
            "object": "chat.completion",
            "created": self._created,
            "model": self.body.get("model"),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": usage_dict(usage) if usage else None,
            "service_tier": "default",
            "moderation": self._scores(),
        }

    def _scores(self) -> dict[str, Any] | None:
        return moderation.scores("chat", self.body.get("moderation"), self.reply.flagged)

    def _chunk(self, delta: dict[str, Any] | None, finish: str | None = None, usage: Usage | None = None) -> Event:
        data = self._data(delta, finish)
        if usage:
            data["usage"] = usage_dict(usage)
        elif self._wants_usage:
            data["usage"] = None
        return Event(data)

    def _data(self, delta: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {
            "id": self.identity,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self.body.get("model"),
            "service_tier": "default",
            "system_fingerprint": None,
            "choices": [] if delta is None else [choice],
        }


def usage_dict(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
