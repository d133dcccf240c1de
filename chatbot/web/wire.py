"""The wire: a live reply as the AI SDK's UI message stream, version 1, over server-sent events.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. The SSE id of a text-delta is the number of characters of the reply
delivered with it and before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from chatbot.chats.live import Outcome, Progress

HEADERS = {
    "x-vercel-ai-ui-message-stream": "v1",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_encode = msgspec.json.Encoder().encode


def encode(
    message: str,
    metadata: dict[str, Any],
    progress: Iterator[Progress | None],
    closing: Callable[[Outcome], dict[str, Any]],
) -> Iterator[bytes]:
    """The stream of one listener, from a comment at once to [DONE]. `closing` gives its last metadata."""
    yield b": here\n\n" + _chunk(type="start", messageId=message, messageMetadata=metadata)
    opened: str | None = None  # the kind of part that is open
    for new in progress:
        if new is None:
            yield b": waiting\n\n"
            continue
        out = b""
        if new.reasoning:
            out += _switch(opened, "reasoning") + _chunk(type="reasoning-delta", id="reasoning-1", delta=new.reasoning)
            opened = "reasoning"
        if new.text:
            out += _switch(opened, "text") + b"id: %d\n" % new.position
            out += _chunk(type="text-delta", id="text-1", delta=new.text)
            opened = "text"
        if new.outcome:
            out += _switch(opened, None) + b"".join(_ending(new.outcome, closing)) + b"data: [DONE]\n\n"
        yield out


def _switch(opened: str | None, wanted: str | None) -> bytes:
    """End the part that is open and start the one that is wanted, unless they are the same."""
    if opened == wanted:
        return b""
    ended = _chunk(type=f"{opened}-end", id=f"{opened}-1") if opened else b""
    return ended + (_chunk(type=f"{wanted}-start", id=f"{wanted}-1") if wanted else b"")


def _ending(outcome: Outcome, closing: Callable[[Outcome], dict[str, Any]]) -> Iterator[bytes]:
    if outcome.status == "complete":
        yield _chunk(type="finish", finishReason=outcome.finish_reason, messageMetadata=closing(outcome))
        return
    if metadata := closing(outcome):
        yield _chunk(type="message-metadata", messageMetadata=metadata)
    if outcome.status == "failed":
        problem = outcome.problem or {}
        yield _chunk(type="data-problem", data=problem, transient=True)
        yield _chunk(type="error", errorText=problem.get("detail", ""))
    else:
        yield _chunk(type="abort", reason=outcome.status)


def _chunk(**members: Any) -> bytes:
    return b"data: " + _encode(members) + b"\n\n"
