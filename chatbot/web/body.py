"""The body of POST /api/chat: the few members that count, checked; the rest is ignored."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec

from chatbot.chats.asked import Ask
from chatbot.chats.temporary import unseal
from chatbot.config import Settings
from chatbot.errors import BadRequest, ContainsKey, TooLong
from chatbot.key.shapes import holds_key
from chatbot.signing import Signer
from chatbot.visitors.who import Visitor
from chatbot.web.json_io import decode

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
ANSWER = re.compile(r"a[A-Za-z0-9_-]{16}")  # as this server names answers


class Part(msgspec.Struct):
    type: str
    text: str = ""


class Message(msgspec.Struct):
    role: str
    parts: list[Part]
    id: str = ""
    metadata: Any = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if part.type == "text")

    @property
    def seal(self) -> str:
        found = self.metadata.get("seal") if isinstance(self.metadata, dict) else None
        return found if isinstance(found, str) else ""


class ChatBody(msgspec.Struct):
    """What the AI SDK's DefaultChatTransport sends: https://ai-sdk.dev/docs/ai-sdk-ui/transport"""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}\Z")]
    messages: list[Message] = []
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    messageId: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\0]+\Z")] | None = None
    model: str | None = None
    temporary: bool = False


def parse(body: bytes, who: Visitor, settings: Settings, signer: Signer) -> Ask:
    """What the visitor asks for. Raises BadRequest, TooLong or ContainsKey, with the field at fault."""
    wanted = decode(body, ChatBody)
    model = wanted.model or settings.openai_model
    if model not in settings.models:
        raise BadRequest("This model is not offered here.", field="model")
    again = wanted.trigger == "regenerate-message" and not wanted.temporary
    cut = _cut(wanted)
    newest = next((n for n in reversed(range(len(wanted.messages))) if wanted.messages[n].role == "user"), None)
    # Where an answer goes on, what the list says was asked before is no new question.
    question = Message("user", []) if newest is None or cut else wanted.messages[newest]
    text = question.text
    if cut and wanted.temporary:
        raise BadRequest("An answer of a temporary chat does not go on.", field="messages")
    if not (again or cut) and not text.strip():
        raise BadRequest("There is no message, or it is empty.", field="messages")
    if len(text) > settings.max_message_chars:
        words = f"The message has {len(text)} characters; {settings.max_message_chars} are allowed."
        raise TooLong(words, field="messages")
    name = question.id if ID.fullmatch(question.id) else None
    if holds_key(" ".join((text, wanted.id, name or "", wanted.messageId or ""))):  # all of them bounded by now
        raise ContainsKey(field="messages")
    ask = Ask(wanted.id, who.id, model, again, text, name, wanted.messageId, cut, network=who.network)
    if not wanted.temporary:
        return ask
    brought = [(message.role, message.text, message.seal) for message in wanted.messages[:newest]]
    return replace(ask, target=None, said=unseal(signer, who.id, wanted.id, brought))


def _cut(wanted: ChatBody) -> str | None:
    """The answer that is to go on: one that the list ends with, where nothing else is asked for."""
    last = wanted.messages[-1] if wanted.messages else None
    is_answer = last is not None and last.role == "assistant" and ANSWER.fullmatch(last.id)
    return last.id if last and is_answer and wanted.trigger == "submit-message" else None
