"""The tables (SQLAlchemy Core). Times are milliseconds since 1970, UTC; chatbot/migrations makes and changes them."""

from chatbot.tables.chats import chats, messages
from chatbot.tables.desk import alerts, audit, keys, sessions, tallies
from chatbot.tables.history import passages
from chatbot.tables.metadata import metadata
from chatbot.tables.money import budgets, ledger, reservations, switches, usage_hours
from chatbot.tables.visitors import blocks, limit_counters

__all__ = [
    "alerts", "audit", "blocks", "budgets", "chats", "keys", "ledger", "limit_counters", "messages", "metadata",
    "passages", "reservations", "sessions", "switches", "tallies", "usage_hours",
]  # fmt: skip
