"""Who may ask: what the limits have counted, and who is blocked."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from chatbot.tables.metadata import metadata

# Also the places of tries at the desk, and for an hour who was forgotten: all of them go when they expire.
limit_counters = Table(
    "limit_counters",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("slot", BigInteger, nullable=False),  # number of the current window since 1970
    Column("current", Integer, nullable=False),
    Column("previous", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("limit_counters_expiry", limit_counters.c.expires_at)

# Who may not ask for a while: `visitor/<id>` or `network/<keyed hash>`.
blocks = Table(
    "blocks",
    metadata,
    Column("subject", String(96), primary_key=True),
    Column("why", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
