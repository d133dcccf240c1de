"""The operator's: keys, the audit log, sessions, alerts on their way, and plain counts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from chatbot.tables.metadata import metadata

# Each key by its fingerprint, never the key.
keys = Table(
    "keys",
    metadata,
    Column("fingerprint", String(8), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("refused_at", BigInteger),
)

# What was done at the desk and by commands; written once and never changed.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Column("deed", Text, nullable=False),
)

# The operator's sessions, by the hash of what their cookie holds.
sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
)

# Alerts on their way: each once in its period, whichever worker saw the cause.
alerts = Table(
    "alerts",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("subject", String(96), primary_key=True),
    Column("period", String(32), primary_key=True),
    Column("words", Text, nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("sent_to", Text, nullable=False),  # the addresses that have it, by hash, as a JSON list
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger),  # when to send it next; None when it is done
    Index("alerts_due", "due_at"),
)

# Plain counts of what happened, by hour: limits reached, messages blocked, leaks stopped.
tallies = Table(
    "tallies",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
