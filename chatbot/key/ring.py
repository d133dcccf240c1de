"""The ring: which key serves the next call, which one stands by, and which were refused and are out."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from chatbot.alerts.alarm import Alarms
from chatbot.key import record
from chatbot.key.credential import Credential, Identity
from chatbot.key.source import Source

log = logging.getLogger("chatbot.key")


class Ring:
    """The credentials in their order. A refused one is out for all workers, until it works again or is replaced.

    Threads may share it.
    """

    def __init__(
        self, sources: Sequence[Source] = (), engine: Engine | None = None, alarms: Alarms | None = None
    ) -> None:
        self._sources = sources
        self._engine = engine
        self._alarms = alarms or Alarms()
        self._refused: dict[str, float] = {}  # by fingerprint: when this process heard of it
        self._unwritten: dict[str, Credential] = {}  # refusals that the database did not take
        self._noted: set[str] = set()

    @property
    def sources(self) -> Sequence[Source]:
        return self._sources

    @property
    def credentials(self) -> list[Credential]:
        """Those that are in place now, the first one first."""
        return [source.credential() for source in self._sources]

    def lead(self, tried: Collection[Credential] = ()) -> Credential | None:
        """What the next attempt of a turn is to use; None when there is nothing left that this turn has not tried.

        Where all were refused, a turn tries the first one all the same: it may have been restored.
        """
        at_hand = [(source.credential(at_once=bool(tried)), source) for source in self._sources]
        for credential, source in at_hand:
            if credential not in tried and not self._is_out(credential, source):
                self._note(credential)
                return credential
        return at_hand[0][0] if at_hand and not tried else None

    @property
    def is_spent(self) -> bool:
        """Was every key in place refused?"""
        return bool(self._sources) and all(self._is_out(each.credential(), each) for each in self._sources)

    def refuse(self, credential: Credential) -> None:
        """OpenAI said that the key is wrong, revoked or expired. The first worker that hears it raises the alarm."""
        is_back = any(each.credential() == credential and not self._is_out(credential, each) for each in self._sources)
        is_news = is_back or credential.fingerprint not in self._refused
        is_again = is_back and credential.fingerprint in self._refused
        self._refused[credential.fingerprint] = time.monotonic()
        if isinstance(credential, Identity):  # its tokens are short-lived: it is out until catch_up(), no longer
            self.lack(credential, "OpenAI refused its token")
            return
        if self._engine:
            try:
                is_news = record.refuse(self._engine, credential) or is_again
            except SQLAlchemyError:  # each worker says so by itself, and catch_up() writes it later
                self._unwritten[credential.fingerprint] = credential
        if is_news:
            words = (
                f"OpenAI refused key {credential.fingerprint} from {credential.source}, which is wrong, revoked or "
                f"expired; {self._instead_of(credential)}. Put a new key in place; if this one leaked: "
                "flask drill --real"
            )
            self._alarms.raise_alarm("key", credential.fingerprint, words)

    def lack(self, identity: Credential, why: str) -> None:
        """The workload identity has no token that works: the operator hears of it. The next call asks for one again."""
        words = f"the workload identity {identity.fingerprint} does not serve: {why}; {self._instead_of(identity)}"
        self._alarms.raise_alarm("key", identity.fingerprint, f"{words}. See flask doctor")

    def accept(self, credential: Credential | None, asked_at: float) -> None:
        """The key worked, in a call that was made at this time (monotonic): not one that a refusal overtook."""
        if credential and asked_at > self._refused.get(credential.fingerprint, math.inf):
            self._refused.pop(credential.fingerprint, None)
            self._unwritten.pop(credential.fingerprint, None)
            if self._engine:
                with suppress(SQLAlchemyError):
                    record.forgive(self._engine, credential)
            log.warning("key %s from %s works again", credential.fingerprint, credential.source)

    def catch_up(self) -> None:
        """Hear what other workers found out, and tell them what they could not be told. Raises SQLAlchemyError."""
        for credential in self.credentials:
            credential.keep_watch()
        if self._engine and self._sources:
            for name, credential in list(self._unwritten.items()):
                record.refuse(self._engine, credential)
                self._unwritten.pop(name, None)
            now = time.monotonic()
            self._refused = {name: self._refused.get(name, now) for name in record.refused(self._engine)}

    def _is_out(self, credential: Credential, source: Source) -> bool:
        """Was it refused, since it stands where it stands? Who puts a key back knows that it works again."""
        return self._refused.get(credential.fingerprint, -math.inf) > source.since

    def _instead_of(self, credential: Credential) -> str:
        other = self.lead([credential])
        return f"key {other.fingerprint} from {other.source} serves now" if other else "nobody is answered"

    def _note(self, credential: Credential) -> None:
        if credential.fingerprint not in self._noted:
            with suppress(SQLAlchemyError):  # then with the next call
                if self._engine:
                    record.note(self._engine, credential)
                self._noted.add(credential.fingerprint)
