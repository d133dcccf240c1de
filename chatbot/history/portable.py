"""A chat as a file: what its JSON holds, and what must be true of it. Times are UTC, costs US dollars."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Row

from chatbot.chats.conversations import shown_status
from chatbot.errors import BadRequest
from chatbot.key.shapes import holds_key

MOST_CHATS = 5_000  # of one import
MOST_MESSAGES = 100_000
MOST_OF_CHAT = 10_000  # of these: a chat is indexed as a whole
MOST_CHARS = 200_000  # of an answer; a question may have as many as one that is asked here
MOST_CHARS_OF_CHAT = 2_000_000
NANO = 10**9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}\Z")]
Name = Annotated[str, msgspec.Meta(max_length=128)]
Code = Annotated[str, msgspec.Meta(max_length=32)]
Text = Annotated[str, msgspec.Meta(max_length=MOST_CHARS)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Dollars = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Message(msgspec.Struct, kw_only=True):
    """`parent`: the message that it follows; those with the same one are versions. `problem`: why it failed."""

    id: Id
    parent: Id | None
    role: Literal["user", "assistant"]
    status: Literal["complete", "stopped", "interrupted", "failed", "streaming"]
    text: Text
    reasoning: Text = ""
    model: Name | None = None
    finish_reason: Code | None = None
    problem: Code | None = None
    input_tokens: Count | None = None
    cached_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cost: Dollars | None = None
    created_at: Time


class Chat(msgspec.Struct, kw_only=True):
    """`head`: the newest message of the version being read. `messages`: all versions, in no certain order."""

    format: Literal["turnkey-chat"] = "turnkey-chat"
    version: Literal[1] = 1
    id: Id
    title: Annotated[str, msgspec.Meta(max_length=200)]
    created_at: Time
    updated_at: Time
    head: Id
    messages: Annotated[list[Message], msgspec.Meta(max_length=MOST_OF_CHAT)]


def chat_of(row: Row[Any]) -> Chat:
    """Without its messages."""
    began, changed = time_of(row.created_at), time_of(row.updated_at)
    return Chat(id=row.id, title=row.title, head=row.head, created_at=began, updated_at=changed, messages=[])


def message_of(row: Row[Any]) -> Message:
    stored = row._asdict()
    members = {name: stored[name] for name in Message.__struct_fields__ if name in stored}
    problem = msgspec.json.decode(row.problem).get("code") if row.problem else None
    cost = None if row.cost_nano is None else row.cost_nano / NANO
    status, created_at = shown_status(row), time_of(row.created_at)
    return Message(**{**members, "status": status, "problem": problem, "cost": cost, "created_at": created_at})


def time_of(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def decode(data: bytes, file: str, question_chars: int) -> Chat:
    """The chat in this JSON, safe to store. Raises BadRequest, which names the file and what is wrong with it."""
    try:
        chat = msgspec.json.decode(data, type=Chat)
    except msgspec.ValidationError as error:
        member = _member(str(error))
        raise BadRequest(f"{file}: the {member} is missing or not of the right form.", field=member) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest(f"{file} is not valid JSON.") from None
    if fault := _fault(chat, question_chars):
        raise BadRequest(f"{file}: {fault}", field="messages")
    return chat


def _member(said: str) -> str:
    """The member at fault, such as messages[0].role, from msgspec's words; the whole body when none is named."""
    place = re.search(r"`\$\.?([\w.\[\]]*)`", said)
    missing = re.search(r"required field `(\w+)`", said)
    found = [each[1] for each in (place, missing) if each and each[1]]
    return ".".join(found) or "body"


def _fault(chat: Chat, question_chars: int) -> str | None:
    """What is wrong with the messages and how they hang together."""
    by_id = {message.id: message for message in chat.messages}
    if sum(len(message.text) + len(message.reasoning) for message in chat.messages) > MOST_CHARS_OF_CHAT:
        return f"it has more than {MOST_CHARS_OF_CHAT:,} characters."
    if len(by_id) < len(chat.messages):
        return "two messages have the same id."
    if chat.head not in by_id:
        return "there is no message that head names."
    if holds_key(" ".join([chat.id, *by_id])):
        return "an id is shaped like an API key."
    children: dict[str | None, list[str]] = {}
    for message in chat.messages:
        above = by_id.get(message.parent or "")
        if message.parent is not None and above is None:
            return "a message stands under one that is not there."
        if message.role == "assistant" and (above is None or above.role != "user"):
            return "an answer stands under no question."
        if message.role == "user" and len(message.text) > question_chars:
            return f"a question has {len(message.text)} characters; {question_chars} are allowed."
        children.setdefault(message.parent, []).append(message.id)
    reached = children.get(None, [])
    for id in reached:  # which grows meanwhile
        reached += children.get(id, [])
    return None if len(reached) == len(by_id) else "messages stand under each other in a circle."
