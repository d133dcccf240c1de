"""The body of POST /api/chat: the few members that count, checked; the rest is ignored."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from chatbot.chats.questions import Ask
from chatbot.config import Settings
from chatbot.errors import BadRequest, ContainsKey, TooLong
from chatbot.key.shapes import holds_key

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Part(msgspec.Struct):
    type: str
    text: str = ""


class Message(msgspec.Struct):
    role: str
    parts: list[Part]
    id: str = ""


class ChatBody(msgspec.Struct):
    """What the AI SDK's DefaultChatTransport sends: https://ai-sdk.dev/docs/ai-sdk-ui/transport"""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}\Z")]
    messages: list[Message] = []
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    messageId: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\0]+\Z")] | None = None
    model: str | None = None


def parse(body: bytes, visitor: str, settings: Settings) -> Ask:
    """What the visitor asks for. Raises BadRequest, TooLong or ContainsKey, with the field at fault."""
    try:
        wanted = msgspec.json.decode(body, type=ChatBody)
    except msgspec.ValidationError as error:
        field = _field(str(error))
        raise BadRequest(f"The member {field} is missing or not of the right form.", field=field) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest("The request is not valid JSON.") from None
    model = wanted.model or settings.openai_model
    if model not in settings.models:
        raise BadRequest("This model is not offered here.", field="model")
    again = wanted.trigger == "regenerate-message"
    question = next((message for message in reversed(wanted.messages) if message.role == "user"), None)
    text = "".join(part.text for part in question.parts if part.type == "text") if question else ""
    if not again and not text.strip():
        raise BadRequest("There is no message, or it is empty.", field="messages")
    if len(text) > settings.max_message_chars:
        words = f"The message has {len(text)} characters; {settings.max_message_chars} are allowed."
        raise TooLong(words, field="messages")
    name = question.id if question and ID.fullmatch(question.id) else None
    if holds_key(" ".join((text, wanted.id, name or "", wanted.messageId or ""))):  # all of them bounded by now
        raise ContainsKey(field="messages")
    return Ask(wanted.id, visitor, model, again=again, text=text, message=name, target=wanted.messageId)


def _field(said: str) -> str:
    """The member at fault, from msgspec's words; the whole body when none is named."""
    found = re.search(r"`\$\.(\w+)|required field `(\w+)`", said)
    return (found.group(1) or found.group(2)) if found else "body"
