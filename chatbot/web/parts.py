"""The parts that a request needs, built once by create_app() and kept with the app."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import current_app, g, request
from sqlalchemy import Engine

from chatbot import migrate
from chatbot.alerts.alarm import Alarms
from chatbot.alerts.post import Post
from chatbot.alerts.tally import Tally
from chatbot.book import Page
from chatbot.chats.beat import Beat
from chatbot.chats.turn import Turns
from chatbot.config import Settings
from chatbot.key.ring import Ring
from chatbot.model.client import Client
from chatbot.money.ledger import Ledger
from chatbot.money.vigil import Vigil
from chatbot.signing import Signer
from chatbot.visitors.access import Access
from chatbot.visitors.limits import Limits
from chatbot.visitors.who import Visitor, identify


@dataclass(frozen=True)
class Parts:
    settings: Settings
    signer: Signer
    engine: Engine
    ring: Ring
    alarms: Alarms
    tally: Tally
    post: Post
    vigil: Vigil
    client: Client
    limits: Limits
    access: Access
    ledger: Ledger
    turns: Turns
    beat: Beat
    guide: list[Page]
    mode: str  # live or tutor
    begin: Callable[[], None]  # reminds the operator, and pays for what the first visitor would wait for
    _started: threading.Event = field(default_factory=threading.Event)
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Begin to serve in this process, once. Raises SettingsError when the tables are of another version."""
        if not self._started.is_set():
            with self._starting:
                if not self._started.is_set():
                    migrate.prepare(self.engine)
                    self._started.set()
                    self.beat.start()
                    self.begin()


def parts() -> Parts:
    return cast(Parts, current_app.extensions["turnkey"])


def visitor() -> Visitor:
    """Who sent the current request; a new visitor stays the same for its length."""
    if "visitor" not in g:
        g.visitor = identify(request, parts().signer)
    return cast(Visitor, g.visitor)
