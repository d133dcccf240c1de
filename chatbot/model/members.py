"""What the members of an event say, in either API's names, whatever else they turn out to be."""

from __future__ import annotations

from typing import Any

from chatbot.model.events import Usage

MOST_TOKENS = 100_000_000


def text_of(value: object) -> str:
    """A text, or that of the parts which some servers make of it."""
    pieces = [object_of(part).get("text") for part in value] if isinstance(value, list) else [value]
    return "".join(piece for piece in pieces if isinstance(piece, str))


def object_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def code_of(event: dict[str, Any]) -> tuple[str, str]:
    """The code and type of an error that stands in the event itself, in its `error`, or is a bare string.

    That a chat is too long many servers say in words alone.
    """
    error = event.get("error")
    told = error if isinstance(error, dict) else event
    code = told.get("code") or (error if isinstance(error, str) else "")
    if "maximum context length" in text_of(told.get("message")):
        code = "context_length_exceeded"
    return str(code or ""), str(told.get("type") or "")


def output_text_of(response: dict[str, Any]) -> str:
    """The whole text of a final response, for servers that send no deltas."""
    output = response.get("output")
    items = [object_of(item) for item in output] if isinstance(output, list) else []
    parts = [object_of(part) for item in items if isinstance(item.get("content"), list) for part in item["content"]]
    names = {"output_text": "text", "refusal": "refusal"}  # not `reasoning_text`, which is no answer
    return "".join(text_of(part.get(names.get(str(part.get("type") or "output_text"), ""))) for part in parts)


def usage_of(value: object) -> Usage | None:
    """Usage in either API's names; None when it is not told in numbers.

    Some servers count what the model thinks beside the output, and in the total.
    """
    told = object_of(value)
    details = object_of(told.get("input_tokens_details") or told.get("prompt_tokens_details"))
    made = object_of(told.get("output_tokens_details") or told.get("completion_tokens_details"))
    taken = _count(told.get("input_tokens", told.get("prompt_tokens")))
    output = _count(told.get("output_tokens", told.get("completion_tokens")))
    usage = Usage(
        input=taken,
        cached=_count(details.get("cached_tokens")),
        cache_write=_count(details.get("cache_write_tokens")),
        output=max(output, _count(told.get("total_tokens")) - taken) if taken else output,
        reasoning=_count(made.get("reasoning_tokens")),
    )
    return usage if usage.input or usage.output else None


def flags(moderation: object) -> bool:
    """Does it flag the question? The Responses API tells one result, Chat Completions a list of them."""
    asked = object_of(object_of(moderation).get("input"))
    results = asked.get("results")
    each = results if isinstance(results, list) else [asked]
    return any(object_of(result).get("flagged") is True for result in each)


def _count(value: object) -> int:
    """Tokens; a number that no answer can have is none."""
    if isinstance(value, (int, float)) and 0 < value < MOST_TOKENS and value % 1 == 0:
        return int(value)
    return 0
