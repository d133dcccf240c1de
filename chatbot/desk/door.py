"""The door of the desk: whoever knows the password gets a session, for twelve hours or until it is ended."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import delete, select

from chatbot.db import now_ms, reading, writing
from chatbot.desk import tries
from chatbot.money.switches import note
from chatbot.tables import sessions
from chatbot.web.parts import parts

SESSION_S = 12 * 3600
LOCKED = "ten wrong passwords at /admin: for a quarter of an hour it takes none, the right one neither"


class Door:
    """Threads may share it; it is asked within requests."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._salt = secrets.token_bytes(16)
        self._hash = self._slow_hash(password)

    def knows(self, guess: str) -> bool:
        """Is this the password? Raises LimitReached while there were too many wrong ones."""
        place = tries.take(parts().engine)
        if hmac.compare_digest(self._slow_hash(guess), self._hash):
            tries.give_back(parts().engine, place)
            return True
        parts().tally.count("wrong desk password")
        if tries.are_used_up(parts().engine):
            parts().alarms.raise_alarm("desk", "locked", LOCKED, period="hour")
        return False

    def open(self) -> str:
        """A new session; what its cookie holds."""
        token = secrets.token_urlsafe(32)
        with writing(parts().engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now_ms()))
            row = {"id": self._id(token), "expires_at": now_ms() + SESSION_S * 1000}
            connection.execute(sessions.insert().values(row))
            note(connection, "desk", "signed in")
        return token

    def is_open(self, token: str) -> bool:
        """Does this cookie's session still last?"""
        lasting = (sessions.c.id == self._id(token)) & (sessions.c.expires_at > now_ms())
        with reading(parts().engine) as connection:
            return connection.execute(select(sessions.c.id).where(lasting)).first() is not None

    def close(self, token: str) -> None:
        with writing(parts().engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.id == self._id(token)))
            note(connection, "desk", "signed out")

    def _id(self, token: str) -> str:
        signer = parts().signer
        mark = signer.digest("desk password", self._password)  # with another one, earlier sessions are void
        return signer.digest("desk session", f"{mark}\0{token}")

    def _slow_hash(self, password: str) -> bytes:
        """About 50 ms: dear for a guesser, and short enough for the replies that a worker streams meanwhile."""
        return hashlib.scrypt(password.encode(errors="replace"), salt=self._salt, n=2**14, r=8, p=1)
