"""What is remembered of each key, by its fingerprint, for all workers: when it was first seen, and when refused."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, Row, select, text, update

from chatbot.db import now_ms, writing
from chatbot.key.credential import Credential
from chatbot.tables import keys

_NOTE = text(
    "INSERT INTO keys (fingerprint, source, first_seen_at) VALUES (:fingerprint, :source, :now)"
    " ON CONFLICT (fingerprint) DO NOTHING"
)
_REFUSED = select(keys.c.fingerprint).where(keys.c.refused_at.is_not(None))


def note(engine: Engine, credential: Credential) -> None:
    """Remember when a key was first seen."""
    with writing(engine) as connection:
        _note(connection, credential)


def refuse(engine: Engine, credential: Credential) -> bool:
    """Remember that OpenAI refused the key; True for the first of all workers to say so."""
    with writing(engine) as connection:
        _note(connection, credential)
        one = (keys.c.fingerprint == credential.fingerprint) & keys.c.refused_at.is_(None)
        return bool(connection.execute(update(keys).where(one).values(refused_at=now_ms())).rowcount)


def forgive(engine: Engine, credential: Credential) -> None:
    """The key works after all."""
    with writing(engine) as connection:
        one = keys.c.fingerprint == credential.fingerprint
        connection.execute(update(keys).where(one).values(refused_at=None))


def refused(engine: Engine) -> set[str]:
    """Fingerprints of the keys that were refused."""
    with engine.connect() as connection:
        return set(connection.execute(_REFUSED).scalars())


def known(engine: Engine) -> dict[str, Row[Any]]:
    """Every key that was ever seen, by fingerprint."""
    with engine.connect() as connection:
        return {row.fingerprint: row for row in connection.execute(select(keys))}


def _note(connection: Connection, credential: Credential) -> None:
    values = {"fingerprint": credential.fingerprint, "source": credential.source, "now": now_ms()}
    connection.execute(_NOTE, values)
