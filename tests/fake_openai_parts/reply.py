"""What the model says: the pieces of a reply, its usage, and how it ends."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fake_openai_parts.directives import Plan, strip

_PIECES = re.compile(r"\S+\s*|\s+")
_TOKENS_PER_MESSAGE = 4
DEFAULT_N = 2
"""Faults in the stream come after this many tokens unless they say another number."""


@dataclass
class Reply:
    """The pieces are one token each. `bound` is the request's cap on output tokens, reasoning included."""

    pieces: list[str]
    thoughts: list[str] = field(default_factory=list)
    refuses: bool = False
    reasoning: int = 0
    input: int = 0
    cached: int = 0
    cache_write: int = 0
    bound: int | None = None
    overrun: int = 0
    flagged: bool = False
    incomplete: str = ""

    def endless(self) -> Iterator[str]:
        while True:
            yield from self.pieces or ["tok "]

    def capped(self, tokens: int) -> int:
        """OpenAI never makes, nor bills, more tokens than the request allows."""
        return tokens if self.bound is None else min(tokens, self.bound)


def make_reply(api: str, body: dict[str, Any], plan: Plan, default_text: str = "") -> Reply:
    """The reply that `plan` asks for to the request `body`, cut to the request's bound."""
    said = last_user_text(api, body)
    tokens = input_tokens(api, body)
    write = tokens if plan.word("cache-write") == "all" else min(tokens, plan.count("cache-write", 0))
    reply = Reply(
        pieces=_pieces(plan, default_text or _echo(strip(said))),
        thoughts=split(plan.given.get("summary", plan.given.get("reasoning-text", [""]))[0]),
        refuses="refusal" in plan,
        input=tokens,
        cached=min(tokens - write, plan.count("cached", 0)),
        cache_write=write,
        bound=None if "heedless" in plan else _bound(api, body),
        overrun=plan.count("overrun", 0),
        flagged="flagged" in plan,
    )
    reply.reasoning = reply.capped(max(plan.count("reasoning", 0), len(reply.thoughts)))
    if reply.bound is not None and reply.reasoning + len(reply.pieces) > reply.bound:
        reply.pieces = reply.pieces[: reply.bound - reply.reasoning]
        reply.incomplete = "max_output_tokens"
    if "incomplete" in plan:
        reply.pieces = reply.pieces[: plan.count("incomplete", DEFAULT_N)]
        reply.incomplete = plan.word("incomplete", "max_output_tokens")
    return reply


def split(text: str) -> list[str]:
    """Text as tokens: a word with the white space after it."""
    return _PIECES.findall(text)


def input_tokens(api: str, body: dict[str, Any]) -> int:
    """About four bytes a token, and a few for each message."""
    texts = [text for _, text in messages(api, body)] + [body.get("instructions") or ""]
    return sum(math.ceil(len(text.encode()) / 4) + _TOKENS_PER_MESSAGE for text in texts)


def messages(api: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """The (role, text) pairs of a request."""
    given = body.get("input" if api == "responses" else "messages") or []
    if isinstance(given, str):
        return [("user", given)]
    return [(str(message.get("role")), _text(message.get("content"))) for message in given if isinstance(message, dict)]


def last_user_text(api: str, body: dict[str, Any]) -> str:
    return next((text for role, text in reversed(messages(api, body)) if role == "user"), "")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _bound(api: str, body: dict[str, Any]) -> int | None:
    names = ("max_output_tokens",) if api == "responses" else ("max_completion_tokens", "max_tokens")
    return next((body[name] for name in names if isinstance(body.get(name), int)), None)


def _pieces(plan: Plan, default: str) -> list[str]:
    if "tokens" in plan:
        return ["tok "] * plan.count("tokens", 1)
    if "surrogates" in plan:
        return ["Look: ", "\ud83d", "\ude00", " and ", "\ud83c", "\udf89", " ", "end."]
    text = plan.given.get("refusal", plan.given.get("text", [default]))[0]
    return split(text)


def _echo(said: str) -> str:
    words = said.split()
    return (
        f"You said: **{said[:400]}**\n\n"
        f"- words: {len(words)}\n"
        f"- characters: {len(said)}\n\n"
        "```text\nNaïve café: 日本語, emoji 🎉\n```\n"
    )
