"""How many messages a visitor, a network and the whole site may send, and what the headers say of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from sqlalchemy import Engine

from chatbot.alerts.tally import Tally
from chatbot.config import Settings
from chatbot.db import writing
from chatbot.errors import Busy, LimitReached
from chatbot.visitors import counters  # importing it registers database://
from chatbot.visitors.blocks import refuse_blocked
from chatbot.visitors.who import Visitor

AT_ONCE = 4  # questions that a worker lets in
GATE_S = 25  # below the 30 s after which platforms give a request up
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


class Standing(msgspec.Struct, frozen=True):
    """One limit as a visitor stands to it: `left` of `limit` in `window_s` seconds, more at `resets_at`."""

    scope: str
    limit: int
    window_s: int
    left: int
    resets_at: datetime


class Limits:
    """Flask-Limiter's counters for each scope, asked from the narrowest to the widest."""

    def __init__(self, app: Flask, settings: Settings, engine: Engine, tally: Tally | None = None) -> None:
        uri = settings.ratelimit_storage_uri or "database://"
        options: dict[str, Any] = {"engine": engine}
        if settings.ratelimit_storage_uri:
            patience = {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S}
            options = {} if uri.startswith("memory:") else patience
        self._limiter = Limiter(lambda: "", storage_uri=uri, storage_options=options, strategy="sliding-window-counter")
        self._limiter.init_app(app)
        self._engine = engine
        self._gate = threading.BoundedSemaphore(AT_ONCE)
        self._tally = tally
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
                wait_s = _wait(item, self._window(item, scope, who))
                raise LimitReached(WORDS[scope], cause=f"{scope} limit {item}", retry_after=wait_s)

    def take_back(self, asked: Iterable[Asked]) -> None:
        """Undo a hit that was counted."""
        for scope, item, who in asked:
            self._limiter.limiter.hit(item, scope, who, cost=-1)

    def counted(self, item: RateLimitItem, scope: str, who: str) -> int:
        """Count one more where nothing is limited, and tell how many are in the window, rounded up."""
        self._limiter.limiter.hit(item, scope, who)
        return math.ceil(_used(item, self._window(item, scope, who)))

    def tally(self, name: str) -> None:
        if self._tally is not None:
            self._tally.count(name)

    def welcome(self, visitor: Visitor) -> bool:
        """Count a new visitor who has not asked anything yet; False when their network may bring no more for now."""
        items = self._items["new_visitors"] if visitor.is_new else []
        hit = self._limiter.limiter.hit
        return bool(items) and all(hit(item, "new_visitors", visitor.network) for item in items)

    def standings(self, visitor: Visitor) -> list[Standing]:
        """Where the visitor stands, tightest first. Costs nothing."""
        asked = [asked for asked in self._asked(visitor) if asked[0] != "new_visitors"]
        found = [self._standing(scope, item, who) for scope, item, who in asked]
        return sorted(found, key=lambda standing: (standing.left, standing.window_s))

    @property
    def in_database(self) -> bool:
        return isinstance(self._limiter.storage, counters.DatabaseStorage)

    def together(self) -> AbstractContextManager[object]:
        """A transaction in which what is counted and what follows from it hold both, or neither; if it can be."""
        return writing(self._engine) if self.in_database else nullcontext()

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Let in no more than AT_ONCE of this process: they wait for the same rows, and others need connections too.

        Raises Busy when the wait is too long.
        """
        if not self._gate.acquire(timeout=GATE_S):
            raise Busy(cause="too many messages at once", retry_after=ANSWER_S)
        try:
            yield
        finally:
            self._gate.release()

    def check(self) -> None:
        """Raises the store's own error, or ConnectionError, when it does not answer."""
        if not self._limiter.storage.check():
            raise ConnectionError

    def _asked(self, visitor: Visitor) -> Iterator[Asked]:
        names = {"new_visitors": visitor.network, "visitor": visitor.id, "network": visitor.network, "site": "all"}
        for scope, items in self._items.items():
            if scope != "new_visitors" or visitor.is_new:
                for item in items:
                    yield scope, item, names[scope]

    def _window(self, item: RateLimitItem, scope: str, who: str) -> tuple[int, float, int, float]:
        storage: Any = self._limiter.storage
        found: tuple[int, float, int, float] = storage.get_sliding_window(item.key_for(scope, who), item.get_expiry())
        return found

    def _standing(self, scope: str, item: RateLimitItem, who: str) -> Standing:
        window = self._window(item, scope, who)
        left = max(0, int(item.amount - _used(item, window)))
        resets_at = datetime.fromtimestamp(math.ceil(time.time() + _wait(item, window)), UTC)
        return Standing(scope, item.amount, item.get_expiry(), left, resets_at)


def _used(item: RateLimitItem, window: tuple[int, float, int, float]) -> float:
    previous, previous_ttl, current, _ = window
    return current + previous * previous_ttl / item.get_expiry()


def _wait(item: RateLimitItem, window: tuple[int, float, int, float]) -> float:
    """Seconds until one more hit is admitted or, while there are places left, until the current window ends."""
    previous, previous_ttl, current, current_ttl = window
    length = item.get_expiry()
    if item.amount == 0:
        return float(length)
    room = item.amount - 1 - current
    if room < 0:
        return current_ttl - (item.amount - 1) * length / current
    if room < previous * previous_ttl / length:
        return previous_ttl - room * length / previous
    return current_ttl - length if previous or current else 0.0


def headers(standings: list[Standing]) -> dict[str, str]:
    """RateLimit and RateLimit-Policy of the IETF draft: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
    if not standings:
        return {}
    now = time.time()
    named = [(f"{s.scope}-{s.window_s}s", s, max(0, round(s.resets_at.timestamp() - now))) for s in standings]
    return {
        "RateLimit": ", ".join(f'"{name}";r={s.left};t={wait_s}' for name, s, wait_s in named),
        "RateLimit-Policy": ", ".join(f'"{name}";q={s.limit};w={s.window_s}' for name, s, _ in named),
    }
