"""How many messages a visitor, a network and the whole site may send."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from sqlalchemy import Engine

from chatbot.alerts.tally import Tally
from chatbot.config import Settings
from chatbot.db import writing
from chatbot.errors import LimitReached
from chatbot.visitors import counters  # importing it registers database://
from chatbot.visitors.blocks import refuse_blocked
from chatbot.visitors.gate import Gate
from chatbot.visitors.standing import Standing, Window, standing, used, wait_s
from chatbot.visitors.who import Visitor

AT_ONCE = 4  # questions that a worker lets in: they wait for the same rows, and others need connections too
ANSWER_S = 5  # a store that is silent for longer counts as down

WORDS = {
    "visitor": "You have sent a lot of messages. Please wait a little.",
    "network": "A lot of messages came from your network. Please wait a little.",
    "site": "This site has answered as many messages as it may for now. Please come back later.",
    "new_visitors": "A lot of new visitors came from your network. Please wait a little.",
    "guesses_network": "Too many wrong access codes came from your network. Please wait before the next try.",
    "guesses_site": "Too many wrong access codes were tried here. Please wait before the next try.",
}
Asked = tuple[str, RateLimitItem, str]  # scope, limit, whose


class Limits:
    """Flask-Limiter's counters for each scope, asked from the narrowest to the widest."""

    def __init__(self, app: Flask, settings: Settings, engine: Engine, tally: Tally | None = None) -> None:
        uri = settings.ratelimit_storage_uri or "database://"
        options: dict[str, Any] = {"engine": engine}
        if settings.ratelimit_storage_uri:
            remote = {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S, "wrap_exceptions": True}
            options = {} if uri.startswith("memory:") else remote
        self._limiter = Limiter(lambda: "", storage_uri=uri, storage_options=options, strategy="sliding-window-counter")
        self._limiter.init_app(app)
        self._engine = engine
        self.gate = Gate(AT_ONCE, ANSWER_S)
        self.tally = (tally or Tally(engine)).count
        self._items = {
            "new_visitors": parse_many(settings.limit_new_visitors),
            "visitor": parse_many(settings.limit_visitor),
            "network": parse_many(settings.limit_network),
            "site": parse_many(settings.limit_site),
        }

    def admit(self, visitor: Visitor) -> list[Standing]:
        """Count one message and tell where the visitor stands then, tightest first.

        Raises LimitReached, with the time to wait, when they are blocked or a limit has no place left.
        """
        with self.together():
            try:
                refuse_blocked(self._engine, visitor)
            except LimitReached:
                self.tally("blocked visitor")
                raise
            self.count(self._asked(visitor))
            return self.standings(visitor)

    def count(self, asked: Iterable[Asked]) -> None:
        """Count one hit for each. Raises LimitReached at the first that has no place left.

        In one transaction of the database none of them counts it then; Redis has counted it in the ones before.
        """
        for scope, item, who in asked:
            if not self._limiter.limiter.hit(item, scope, who):
                self.tally(f"limit {scope}")
                wait = wait_s(item, self._window(item, scope, who))
                raise LimitReached(WORDS[scope], cause=f"{scope} limit {item}", retry_after=wait)

    def take_back(self, asked: Iterable[Asked]) -> None:
        """Undo a hit that was counted."""
        for scope, item, who in asked:
            self._limiter.limiter.hit(item, scope, who, cost=-1)

    def counted(self, item: RateLimitItem, scope: str, who: str) -> int:
        """Count one more where nothing is limited, and tell how many are in the window, rounded up."""
        self._limiter.limiter.hit(item, scope, who)
        return math.ceil(used(item, self._window(item, scope, who)))

    def welcome(self, visitor: Visitor) -> bool:
        """Count a new visitor who has not asked anything yet; False when their network may bring no more for now."""
        items = self._items["new_visitors"] if visitor.is_new else []
        hit = self._limiter.limiter.hit
        return bool(items) and all(hit(item, "new_visitors", visitor.network) for item in items)

    def standings(self, visitor: Visitor) -> list[Standing]:
        """Where the visitor stands, tightest first. Costs nothing."""
        asked = self._asked(replace(visitor, is_new=False))
        found = [standing(scope, item, self._window(item, scope, who)) for scope, item, who in asked]
        return sorted(found, key=lambda each: (each.left, each.window_s))

    @property
    def in_database(self) -> bool:
        return isinstance(self._limiter.storage, counters.DatabaseStorage)

    def together(self) -> AbstractContextManager[object]:
        """A transaction in which what is counted and what follows from it hold both, or neither; if it can be."""
        return writing(self._engine) if self.in_database else nullcontext()

    def check(self) -> None:
        """Raises the store's own error, or ConnectionError, when it does not answer."""
        if not self._limiter.storage.check():
            raise ConnectionError

    def _asked(self, visitor: Visitor) -> list[Asked]:
        whose = {"new_visitors": visitor.network} if visitor.is_new else {}
        whose |= {"visitor": visitor.id, "network": visitor.network, "site": "all"}
        return [(scope, item, who) for scope, who in whose.items() for item in self._items[scope]]

    def _window(self, item: RateLimitItem, scope: str, who: str) -> Window:
        storage: Any = self._limiter.storage
        found: Window = storage.get_sliding_window(item.key_for(scope, who), item.get_expiry())
        return found
