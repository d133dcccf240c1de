"""Names chats that were answered: by the answer's words where the question says nothing, or by a model (TITLE_MODEL).

A title is changed only while it is one that was made here: what a visitor has written stays.
"""

from __future__ import annotations

import re

from sqlalchemy import Engine, bindparam, select, update

from chatbot.chats.asked import Turn
from chatbot.chats.live import Outcome
from chatbot.chats.title import gist, title_of, title_of_answer
from chatbot.db import writing
from chatbot.history.passages import index_title
from chatbot.history.title_model import TitleModel
from chatbot.key.shapes import holds_key
from chatbot.tables import chats, messages

_TITLE = select(chats.c.title).where(chats.c.id == bindparam("chat"), chats.c.temporary == 0)
_FIRST = (
    select(messages.c.text)
    .where(messages.c.chat == bindparam("chat"), messages.c.parent.is_(None))
    .order_by(messages.c.created_at, messages.c.id)
    .limit(1)
)
_COMPLETE = (
    select(messages.c.id)
    .where(messages.c.chat == bindparam("chat"), messages.c.role == "assistant", messages.c.status == "complete")
    .limit(2)
)
_RENAME = (
    update(chats)
    .where(chats.c.id == bindparam("of_chat"), chats.c.title == bindparam("old"), chats.c.temporary == 0)
    .values(title=bindparam("new"))
    .returning(chats)
)
_LABEL = re.compile(r"^\W*(?:title|titel|titre|título|titolo|标题|タイトル)\W*[:：]\W*", re.I)
_SENTENCE = (".", "。")  # what ends so is no title, but a refusal, or an answer to what was asked


class Naming:
    """`model` is None where no model names chats."""

    def __init__(self, engine: Engine, model: TitleModel | None = None) -> None:
        self._engine = engine
        self._model = model

    def by_answer(self, turn: Turn, outcome: Outcome) -> None:
        """Name the chat by its answer, where its title is that of a question that says nothing."""
        ask, answer = turn.ask, turn.reply.text
        if ask.text and not gist(ask.text) and not holds_key(answer):
            self._rename(ask.chat, title_of(ask.text), title_of_answer(answer))

    def by_model(self, turn: Turn, outcome: Outcome) -> None:
        """Let the model name the chat after its first complete answer; whatever fails, the title stays as it is."""
        if self._model is None or outcome.status != "complete" or turn.reply.begun.rounds:
            return
        chat = {"chat": turn.ask.chat}
        with self._engine.connect() as connection:
            title, first = connection.execute(_TITLE, chat).scalar(), connection.execute(_FIRST, chat).scalar() or ""
            if title is None or title not in (title_of(first), gist(first) or title_of_answer(turn.reply.text)):
                return
            if len(connection.execute(_COMPLETE, chat).all()) != 1:
                return
        made = self._model.ask(turn, turn.ask.text or first)
        if not made.rstrip().endswith(_SENTENCE) and not holds_key(made):
            self._rename(turn.ask.chat, title, title_of_answer(_LABEL.sub("", made)))

    def _rename(self, chat: str, old: str, new: str) -> None:
        """In a transaction of its own, which locks the chat first."""
        if new and new != old:
            with writing(self._engine) as connection:
                renamed = connection.execute(_RENAME, {"of_chat": chat, "old": old, "new": new}).first()
                if renamed is not None:
                    index_title(connection, renamed)
