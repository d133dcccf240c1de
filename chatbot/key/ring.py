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
from chatbot.key.credential import Credential, Identity, named
from chatbot.key.source import Source

REST_S = 60  # for a credential that did not serve, though nobody said that it is dead

log = logging.getLogger("chatbot.key")


class Ring:
    """The credentials in their order. A refused one is out for all workers, until it works again or is replaced.

    Threads may share it.
    """

    def __init__(
        self, sources: Sequence[Source] = (), engine: Engine | None = None, alarms: Alarms | None = None
    ) -> None:
        self.sources = sources
        self._engine = engine
        self._alarms = alarms or Alarms()
        self._refused: dict[str, float] = {}  # by fingerprint: when this process heard of it
        self._resting: dict[str, float] = {}  # by fingerprint: until when others are asked first
        self._unwritten: dict[str, Credential] = {}  # refusals that the database did not take
        self._noted: set[str] = set()

    @property
    def credentials(self) -> list[Credential]:
        """Those that are in place now, the first one first."""
        return [source.credential() for source in self.sources]

    def lead(self, tried: Collection[Credential] = ()) -> Credential | None:
        """What the next attempt of a turn is to use; None when there is nothing left that this turn has not tried."""
        chosen = self.after(tried)
        if chosen is not None:
            if chosen.fingerprint in self._resting:  # this turn alone tries it again
                self._rest(chosen)
            self._note(chosen)
        return chosen

    def after(self, tried: Collection[Credential] = ()) -> Credential | None:
        """What `lead` would give, which only looks.

        One that rests comes last. Where all were refused, a turn tries the first all the same: it may be restored.
        """
        at_hand = [(source.credential(at_once=bool(tried)), source) for source in self.sources]
        fit = [each for each, source in at_hand if each not in tried and not self._is_out(each, source)]
        if fit:
            return min(fit, key=self._is_resting)
        return at_hand[0][0] if at_hand and not tried else None

    @property
    def is_spent(self) -> bool:
        """Was every key in place refused?"""
        return bool(self.sources) and all(self._is_out(each.credential(), each) for each in self.sources)

    def refuse(self, credential: Credential) -> None:
        """OpenAI said that the key is wrong, revoked or expired. The first worker that hears it raises the alarm."""
        if isinstance(credential, Identity):  # its tokens are short-lived
            self.pass_over(credential, "OpenAI refused its token")
        elif self._is_news(credential):
            words = (
                f"OpenAI refused {named(credential)}, which is wrong, revoked or expired; "
                f"{self._instead_of(credential)}. Put a new key in place; if this one leaked: flask drill --real"
            )
            self._alarms.raise_alarm("key", credential.fingerprint, words)

    def pass_over(self, credential: Credential, why: str) -> None:
        """It did not serve, and may yet: the operator hears of it, and for a while turns ask others first."""
        self._rest(credential)
        words = f"{named(credential)} does not serve: {why}; {self._instead_of(credential)}. See flask doctor"
        self._alarms.raise_alarm("key", f"{credential.fingerprint} rests", words)

    def accept(self, credential: Credential | None, asked_at: float) -> None:
        """The key worked, in a call that was made at this time (monotonic): not one that a refusal overtook."""
        if credential is None:
            return
        name = credential.fingerprint
        was_refused = asked_at > self._refused.get(name, math.inf)
        if was_refused:
            self._refused.pop(name, None)
            self._unwritten.pop(name, None)
            if self._engine:
                with suppress(SQLAlchemyError):
                    record.forgive(self._engine, credential)
        if self._resting.pop(name, None) or was_refused:
            log.warning("%s works again", named(credential))

    def catch_up(self) -> None:
        """Hear what other workers found out, and tell them what they could not be told. Raises SQLAlchemyError."""
        for credential in self.credentials:
            credential.keep_watch()
        if self._engine and self.sources:
            for name, credential in list(self._unwritten.items()):
                record.refuse(self._engine, credential)
                self._unwritten.pop(name, None)
            now = time.monotonic()
            self._refused = {name: self._refused.get(name, now) for name in record.refused(self._engine)}

    def _is_news(self, key: Credential) -> bool:
        """Take note of a refusal. It is news to the first worker that hears of it, and where the key was put back."""
        name = key.fingerprint
        is_known = name in self._refused
        is_put_back = is_known and any(
            each.credential() == key and not self._is_out(key, each) for each in self.sources
        )
        self._refused[name] = time.monotonic()
        try:
            is_first = record.refuse(self._engine, key) if self._engine else not is_known
        except SQLAlchemyError:  # each worker says so by itself, and catch_up() writes it later
            self._unwritten[name], is_first = key, not is_known
        return is_first or is_put_back

    def _is_out(self, credential: Credential, source: Source) -> bool:
        """Was it refused, since it stands where it stands? Who puts a key back knows that it works again."""
        return self._refused.get(credential.fingerprint, -math.inf) > source.since

    def _rest(self, credential: Credential) -> None:
        self._resting[credential.fingerprint] = time.monotonic() + REST_S

    def _is_resting(self, credential: Credential) -> bool:
        return time.monotonic() < self._resting.get(credential.fingerprint, -math.inf)

    def _instead_of(self, credential: Credential) -> str:
        other = self.after([credential])
        return f"{named(other)} serves now" if other else "nobody is answered"

    def _note(self, credential: Credential) -> None:
        if credential.fingerprint not in self._noted:
            with suppress(SQLAlchemyError):  # then with the next call
                if self._engine:
                    record.note(self._engine, credential)
                self._noted.add(credential.fingerprint)
