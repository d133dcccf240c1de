"""What a visitor asks for, and the turn that it becomes."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.chats.live import LiveReply
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
class Turn:
    """A question that is stored, with money held for its answer, which `relay` makes and `reply` shares."""

    ask: Ask
    reply: LiveReply
    relay: Relay
