"""What the tutor reads and sends: the streamed Responses API, without the members that a client can miss.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec


class Turn(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str


class Request(msgspec.Struct):
    """A request for a reply."""

    model: str
    input: list[Turn] = []
    instructions: str = ""
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None


def response_events(asked: Request, text: str) -> Iterator[bytes]:
    """The events of the reply that says this text, cut to the request's bound. A token is a word, here."""
    words = re.findall(r"\s*\S+\s*", text)
    said = words[: asked.max_output_tokens]
    whole = _response(asked, said, is_cut=len(said) < len(words))
    begun = whole | {"status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    message, part = whole["output"][0], whole["output"][0]["content"][0]
    item = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": message | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", item | {"part": part | {"text": ""}}),
        *(("response.output_text.delta", item | {"delta": word, "logprobs": []}) for word in said),
        ("response.output_text.done", item | {"text": part["text"], "logprobs": []}),
        ("response.content_part.done", item | {"part": part}),
        ("response.output_item.done", {"output_index": 0, "item": message}),
        (f"response.{whole['status']}", {"response": whole}),
    ]
    for number, (kind, event) in enumerate(events):
        data = msgspec.json.encode({"type": kind, "sequence_number": number} | event)
        yield f"event: {kind}\ndata: ".encode() + data + b"\n\n"


def error(message: str, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def _response(asked: Request, words: list[str], *, is_cut: bool) -> dict[str, Any]:
    id, status = uuid.uuid4().hex, "incomplete" if is_cut else "completed"
    part = {"type": "output_text", "text": "".join(words), "annotations": []}
    message = {"id": f"msg_{id}", "type": "message", "role": "assistant", "status": status, "content": [part]}
    heard = len(" ".join([asked.instructions, *(turn.content for turn in asked.input)]).split())
    usage = {"input_tokens": heard, "output_tokens": len(words), "total_tokens": heard + len(words)}
    details = {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    head = {"id": f"resp_{id}", "object": "response", "created_at": int(time.time()), "model": asked.model}
    end = {"status": status, "error": None, "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None}
    fixed = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return head | end | {"output": [message], "usage": usage | details} | fixed
