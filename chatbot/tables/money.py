"""Money: what is held, what was spent, and what all workers must obey. Amounts are nano-dollars."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from chatbot.tables.metadata import metadata

# What a call may cost is held here before it is made, and moves to the ledger when it is over, or its worker dead.
reservations = Table(
    "reservations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("visitor", String(64), nullable=False),
    Column("network", String(64)),  # keyed hash of the address
    Column("chat", String(64), nullable=False),
    Column("message", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("input_tokens", Integer, nullable=False),  # no call of so many bytes has more
    Column("max_output_tokens", Integer, nullable=False),
    Column("nano", BigInteger, nullable=False),  # nano-dollars
    Column("scopes", Text, nullable=False),  # the budgets that it is held in, as a JSON list
    Column("worker", String(32), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("alive_at", BigInteger, nullable=False),  # its worker's last sign of life
    Index("reservations_of_visitor", "visitor"),
    Index("reservations_of_worker", "worker"),
)

# What each budget and allowance has used in one period, in nano-dollars or tokens.
budgets = Table(
    "budgets",
    metadata,
    Column("scope", String(160), primary_key=True),
    Column("spent", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("budgets_expiry", "expires_at"),
)

# One row for each attempt to call a model, written once; only a visitor who wants to be forgotten is taken out of it.
ledger = Table(
    "ledger",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("visitor", String(64), nullable=False),
    Column("network", String(64)),  # keyed hash of the address
    Column("chat", String(64), nullable=False),
    Column("message", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("key_fingerprint", String(8)),
    Column("request_id", String(128)),  # OpenAI's x-request-id
    Column("outcome", String(32), nullable=False),  # complete, stopped, interrupted, crashed, or a problem's code
    Column("basis", String(16), nullable=False),  # of the cost: usage, estimate, reservation or nothing
    Column("input_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("cache_write_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),  # nano-dollars
    Column("held_nano", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("first_ms", Integer),  # milliseconds to the first text
    Column("ended_at", BigInteger, nullable=False),
    Index("ledger_by_time", "started_at"),
    Index("ledger_by_visitor", "visitor", "started_at"),
    Index("ledger_by_key", "key_fingerprint", "started_at"),
)

# The ledger in sums, kept up with each row of it, so that a desk or a scrape need not read it whole.
usage_hours = Table(
    "usage_hours",
    metadata,
    Column("hour", BigInteger, primary_key=True),  # its first millisecond, UTC
    Column("model", String(128), primary_key=True),
    Column("outcome", String(32), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),
    Column("first_ms_sum", BigInteger, nullable=False),
    Column("first_ms_count", Integer, nullable=False),
)

# What the operator or the app itself has set for all workers: `pause`, and caps such as `cap site/day`.
switches = Table(
    "switches",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    Column("set_by", String(64), nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
