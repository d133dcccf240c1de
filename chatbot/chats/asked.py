"""What a visitor asks for, what was stored of it before anybody answers, and the turn that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chatbot.chats.live import Begun, LiveReply
from chatbot.chats.relay import Relay
from chatbot.chats.temporary import Said


@dataclass(frozen=True)
class Ask:
    """What a visitor asks for. `message`: the client's name for the question, kept if it is free.

    `again`: no new question, but a new answer. `target`: the message to edit or to answer again; None is the newest.
    `cut`: the answer that the client's list ends with; if it was cut off, it is to go on. `said`: what was said before
    in a temporary chat; None in one that is kept.
    """

    chat: str
    visitor: str
    model: str
    again: bool = False
    text: str = ""
    message: str | None = None
    target: str | None = None
    cut: str | None = None
    said: Said | None = None
    network: str = ""


@dataclass(frozen=True)
class Asked:
    """A stored question with its waiting answer, which may have `begun` already.

    `turns`: (role, text), oldest first; the last `kept` of them ask for the answer.
    """

    question: str
    answer: str
    turns: list[tuple[str, str]]
    kept: int = 1
    begun: Begun = field(default_factory=Begun)


@dataclass(frozen=True)
class Turn:
    """A question that is stored, with money held for its answer, which `relay` makes and `reply` shares."""

    ask: Ask
    reply: LiveReply
    relay: Relay
    on_blocked: Callable[[], None] = lambda: None
