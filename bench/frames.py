"""The bytes of a streamed reply, made once: HTTP chunks that each hold one event, as OpenAI sends them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

TOKEN = "qzx "
MARK = TOKEN.encode()
"""What the load generator counts; nothing else in the conversation looks like it."""

MAX_TOKENS = 4_000
INPUT_TOKENS = 20
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
    b"x-request-id: req_bench\r\nopenai-processing-ms: 1\r\n\r\n"
)
_PLACE = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}
_PADDING = "abcdefghijkl"


def opening(api: str) -> bytes:
    """Everything before the first token."""
    return _HEAD + b"".join(
        _responses_opening() if api == "responses" else [_chat({"role": "assistant", "content": ""})]
    )


@cache
def tokens(api: str) -> list[bytes]:
    """The first MAX_TOKENS tokens, each in its own event and chunk."""
    if api == "chat":
        return [_chat({"content": TOKEN}, obfuscation=_PADDING)] * MAX_TOKENS
    return [
        _event("response.output_text.delta", number, **_PLACE, delta=TOKEN, logprobs=[], obfuscation=_PADDING)
        for number in range(4, MAX_TOKENS + 4)
    ]


@cache
def closing(api: str, count: int) -> bytes:
    """Everything after `count` tokens."""
    if api == "chat":
        usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": count, "total_tokens": INPUT_TOKENS + count}
        return _chat({}, "stop") + _chat(None, usage=usage) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    part = {"type": "output_text", "text": TOKEN * count, "annotations": [], "logprobs": []}
    item = {"id": "msg_bench", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    used: dict[str, Any] = {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": count,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + count,
    }
    number = count + 4
    events = [
        _event("response.output_text.done", number, **_PLACE, text=TOKEN * count, logprobs=[]),
        _event("response.content_part.done", number + 1, **_PLACE, part=part),
        _event("response.output_item.done", number + 2, output_index=0, item=item),
        _event("response.completed", number + 3, response=_response("completed", [item], used)),
    ]
    return b"".join(events) + b"0\r\n\r\n"


def _responses_opening() -> list[bytes]:
    response = _response("in_progress", [], None)
    item = {"id": "msg_bench", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    return [
        _event("response.created", 0, response=response),
        _event("response.in_progress", 1, response=response),
        _event("response.output_item.added", 2, output_index=0, item=item),
        _event("response.content_part.added", 3, **_PLACE, part=part),
    ]


def _response(status: str, output: list[Any], usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": "resp_bench", "object": "response", "created_at": 1_780_000_000, "status": status, "background": False,
        "error": None, "incomplete_details": None, "instructions": None, "max_output_tokens": None, "metadata": {},
        "model": "gpt-6-luna", "output": output, "parallel_tool_calls": True, "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None}, "service_tier": "default", "store": False, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": usage, "user": None,
    }  # fmt: skip


def _event(kind: str, number: int, **data: Any) -> bytes:
    text = json.dumps({"type": kind, "sequence_number": number, **data}, separators=(",", ":"))
    return _chunk(f"event: {kind}\ndata: {text}\n\n".encode())


def _chat(delta: dict[str, Any] | None, finish: str | None = None, usage: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    data = {
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_780_000_000, "model": "gpt-6-luna",
        "service_tier": "default", "system_fingerprint": None, "choices": [] if delta is None else [choice],
        "usage": usage, **more,
    }  # fmt: skip
    return _chunk(b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
