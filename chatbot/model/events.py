"""What the rest of the house hears from a model: pieces of a reply, how it ended, what it used."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatbot.errors import Problem

# What a model is asked last whose answer was cut off.
GO_ON = (
    "Your answer was cut off. Go on exactly where it ends, in the same form, without repeating or announcing anything."
)


@dataclass(frozen=True)
class Usage:
    """Tokens as OpenAI counted them. `input` includes `cached` and `cache_write`; `output` includes `reasoning`."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class End:
    """The final event. `reason` is stop, length, content-filter or other; `usage` is None when none was told."""

    reason: str
    usage: Usage | None = None


@dataclass
class Batch:
    """What one read from the upstream brought, in order: text and reasoning first, then an end or a problem.

    `usage`: what a call that failed had used, where that was told. `flagged`: moderation flags the question.
    """

    events: int = 0
    text: str = ""
    reasoning: str = ""
    end: End | None = None
    problem: Problem | None = None
    usage: Usage | None = None
    flagged: bool = False


@dataclass(frozen=True)
class Call:
    """One call of a model: everything in it is the server's decision but the words of the chat.

    `turns`: (role, text) from oldest to newest, role being user or assistant; the last `kept` of them are
    always sent. `moderation`: off, score or block.
    """

    model: str
    system: str
    turns: list[tuple[str, str]] = field(repr=False)
    max_output_tokens: int
    safety_identifier: str
    cache_key: str
    moderation: str = "off"
    kept: int = 1
