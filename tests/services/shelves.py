"""An app in this process over either database, and visitors who use it without a server of their own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import Engine, insert

from app import create_app
from chatbot.config import load_settings
from chatbot.db import writing
from chatbot.history.passages import index
from chatbot.tables import chats, messages
from chatbot.visitors.who import COOKIE
from chatbot.web.parts import Parts
from tests.conftest import ROOMY
from tests.unit.built_app import unattended
from tests.visitor import new_id


@contextmanager
def app_over(url: str, **variables: str) -> Iterator[Flask]:
    """The app; its chores are not done by themselves."""
    wanted = {**ROOMY, **variables, "DATABASE_URL": url, "SECRET_KEY": "of the tests alone"}
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    app = create_app(load_settings(_env_file=None, **{name.lower(): value for name, value in wanted.items()}))
    logger.handlers, logger.propagate = before
    yield unattended(app)
    app.extensions["turnkey"].engine.dispose()


class Shelf:
    """One visitor's chats, by the API."""

    def __init__(self, app: Flask) -> None:
        self.id = new_id()
        self._house: Parts = app.extensions["turnkey"]
        self._client = app.test_client()
        self._client.set_cookie(COOKIE, self._house.signer.sign(self.id))

    @property
    def engine(self) -> Engine:
        return self._house.engine

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        response = self._client.open(path, method=method, data=data, query_string=query)
        return response.status_code, response.json

    def page(self, **query: Any) -> dict[str, Any]:
        status, told = self.call("GET", "/api/chats", **query)
        assert status == 200, told
        return dict(told)

    def found(self, query: str) -> list[str]:
        """The ids of the chats that a search finds."""
        return [chat["id"] for chat in self.page(q=query)["chats"]]

    def snippet(self, query: str) -> str | None:
        """Of the first of them."""
        return self.page(q=query)["chats"][0].get("snippet")

    def say(self, chat: str, text: str, **members: Any) -> str:
        """The answer's id, once the answer has ended."""
        message = {"id": new_id(), "role": "user", "parts": [{"type": "text", "text": text}]}
        response = self._client.post("/api/chat", json={"id": chat, "messages": [message], **members})
        assert response.status_code == 200, response.json
        first = next(line for line in response.text.splitlines() if line.startswith("data: "))
        return str(json.loads(first.removeprefix("data: "))["messageId"])

    def keep(self, title: str, *texts: str, updated_at: int = 1, temporary: int = 0, indexed: bool = True) -> str:
        """Put a chat there behind the app's back."""
        id = new_id()
        chat = {"id": id, "visitor": self.id, "title": title, "head": "m0", "created_at": 1, "updated_at": updated_at}
        with writing(self.engine) as connection:
            connection.execute(insert(chats), {**chat, "temporary": temporary})
            for number, text in enumerate(texts):
                kind = {"role": "user", "status": "complete", "created_at": number}
                connection.execute(insert(messages), {"chat": id, "id": f"m{number}", "text": text, **kind})
        if indexed:
            index(self.engine, id)
        return id
