"""What the tutor reads and sends: OpenAI's shapes, whole and as events, without the members that a client can miss.

https://platform.openai.com/docs/api-reference/responses-streaming and .../chat-streaming
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

Bound = Annotated[int, msgspec.Meta(ge=1)] | None


class Turn(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str


class Request(msgspec.Struct):
    """A request to either API: `input` and `instructions` are of Responses, `messages` of Chat Completions."""

    model: str
    input: str | list[Turn] = []
    instructions: str | None = None
    messages: list[Turn] = []
    max_output_tokens: Bound = None
    max_completion_tokens: Bound = None
    max_tokens: Bound = None
    stream: bool = False
    stream_options: dict[str, bool] = {}

    @property
    def turns(self) -> list[Turn]:
        return [Turn("user", self.input)] if isinstance(self.input, str) else self.input or self.messages


class Answer:
    """What the tutor says to a request. A token is a word, here; `cut`: the request's bound ended it."""

    def __init__(self, asked: Request, text: str) -> None:
        self.id, self.created, self.model = uuid.uuid4().hex, int(time.time()), asked.model
        words = re.findall(r"\s*\S+\s*", text)
        bound = asked.max_output_tokens or asked.max_completion_tokens or asked.max_tokens or len(words)
        self.words, self.cut = words[:bound], bound < len(words)
        heard = " ".join([asked.instructions or "", *(turn.content for turn in asked.turns)])
        self.input_tokens = len(heard.split())

    def usage(self, heard: str, said: str) -> dict[str, Any]:
        """The tokens of both sides by the API's names for them, and their sum."""
        return {heard: self.input_tokens, said: len(self.words), "total_tokens": self.input_tokens + len(self.words)}


def response(answer: Answer) -> dict[str, Any]:
    """A Response object."""
    status = "incomplete" if answer.cut else "completed"
    part = {"type": "output_text", "text": "".join(answer.words), "annotations": []}
    message = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant", "status": status, "content": [part]}
    usage = answer.usage("input_tokens", "output_tokens") | {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    head = {"id": f"resp_{answer.id}", "object": "response", "created_at": answer.created, "model": answer.model}
    reason = {"reason": "max_output_tokens"} if answer.cut else None
    end = {"status": status, "error": None, "incomplete_details": reason, "output": [message], "usage": usage}
    return head | end | {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def response_events(answer: Answer) -> Iterator[bytes]:
    """The events of a Responses stream."""
    whole = response(answer)
    begun = whole | {"status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    message, part = whole["output"][0], whole["output"][0]["content"][0]
    item = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": message | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", item | {"part": part | {"text": ""}}),
        *(("response.output_text.delta", item | {"delta": word, "logprobs": []}) for word in answer.words),
        ("response.output_text.done", item | {"text": part["text"], "logprobs": []}),
        ("response.content_part.done", item | {"part": part}),
        ("response.output_item.done", {"output_index": 0, "item": message}),
        (f"response.{whole['status']}", {"response": whole}),
    ]
    for number, (kind, event) in enumerate(events):
        yield f"event: {kind}\n".encode() + _data({"type": kind, "sequence_number": number} | event)


def completion(answer: Answer) -> dict[str, Any]:
    """A chat completion."""
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion", "created": answer.created}
    message = {"role": "assistant", "content": "".join(answer.words), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "length" if answer.cut else "stop"}
    usage = answer.usage("prompt_tokens", "completion_tokens")
    return head | {"model": answer.model, "choices": [choice], "usage": usage}


def completion_chunks(answer: Answer, with_usage: bool) -> Iterator[bytes]:
    """The chunks of a Chat Completions stream; the usage, if it was asked for, is of the last."""
    whole = completion(answer)
    usage, end = whole.pop("usage"), whole["choices"][0]["finish_reason"]
    head = whole | {"object": "chat.completion.chunk"} | ({"usage": None} if with_usage else {})
    for delta in [{"role": "assistant", "content": ""}, *({"content": word} for word in answer.words), {}]:
        yield _data(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else end}]})
    if with_usage:
        yield _data(head | {"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def error(message: str, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def _data(content: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"
