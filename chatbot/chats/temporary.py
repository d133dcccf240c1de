"""Temporary chats: nothing of them is kept, so the client brings what was said before, sealed by this server.

Each answer ends with a seal over all that was said up to it. The next question brings the messages back with their
seals, and only what bears a true one is sent to the model: a client can leave out the end, but not put words into
anybody's mouth.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field

from sqlalchemy import Engine, text

from chatbot.errors import Blocked
from chatbot.signing import Signer

_EXCHANGE = text(
    "SELECT chats.visitor, chats.seal AS before, question.text AS question, answer.text AS answer, answer.problem"
    " FROM chats"
    " JOIN messages AS answer ON answer.chat = chats.id AND answer.id = :id"
    " JOIN messages AS question ON question.chat = chats.id AND question.id = answer.parent"
    " WHERE chats.id = :chat AND chats.temporary = 1 AND answer.text <> '' AND answer.status <> 'streaming'"
)


@dataclass(frozen=True)
class Said:
    """What was said before in a temporary chat: (role, text), oldest first, and the seal of it all."""

    turns: list[tuple[str, str]] = field(default_factory=list)
    seal: str = ""


def unseal(signer: Signer, visitor: str, chat: str, messages: list[tuple[str, str, str]]) -> Said:
    """What is true of the `messages` that a client brings: (role, text, seal of an answer)."""
    turns: list[tuple[str, str]] = []
    before = question = ""
    for role, said, brought in messages:
        if role == "user":
            question = said
        elif role == "assistant" and brought:
            made = seal(signer, visitor, chat, before, (question, said))
            if not hmac.compare_digest(made.encode(), brought.encode()):
                break  # nothing after it can be true, and to look costs time
            turns += [("user", question), ("assistant", said)]
            before = made
    return Said(turns, before)


def seal_of(engine: Engine, signer: Signer, chat: str, message: str) -> str | None:
    """The seal of an answer that has just been stored.

    None for a chat that is no temporary one, and for an exchange that the model is not to be told of again.
    """
    with engine.connect() as connection:
        row = connection.execute(_EXCHANGE, {"chat": chat, "id": message}).first()
    if row is None or (row.problem and json.loads(row.problem).get("code") == Blocked.code):
        return None
    return seal(signer, row.visitor, chat, row.before, (row.question, row.answer))


def seal(signer: Signer, visitor: str, chat: str, before: str, exchange: tuple[str, str]) -> str:
    """64 hex, over a question with its answer and, by the seal `before` it, all that was said earlier."""
    texts = [each.replace("\0", "\ufffd") for each in exchange]  # as the database keeps them
    return signer.digest("temporary", json.dumps([visitor, chat, before, *texts]))
