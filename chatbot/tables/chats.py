"""Chats and their messages."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from chatbot.tables.metadata import metadata

chats = Table(
    "chats",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("visitor", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("head", String(64)),  # the newest message of the version being read
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("temporary", Integer, nullable=False, default=0),  # 1: it stands in no history, and goes with its answer
    Column("seal", String(64)),  # of a temporary chat: vouches for what was said before
    Index("chats_of_visitor", "visitor", "updated_at", "id"),
    Index("chats_by_age", "updated_at"),
)

_temporary = chats.c.temporary == 1
Index("chats_temporary", chats.c.id, postgresql_where=_temporary, sqlite_where=_temporary)

# Messages form a tree: a new version stands beside the old one, under the same parent.
messages = Table(
    "messages",
    metadata,
    Column("chat", String(64), ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("parent", String(64)),
    Column("role", String(16), nullable=False),  # user, assistant
    Column("status", String(16), nullable=False),  # streaming, complete, stopped, interrupted, failed
    Column("text", Text, nullable=False, default=""),
    Column("reasoning", Text, nullable=False, default=""),
    Column("model", String(128)),
    Column("finish_reason", String(32)),
    Column("problem", Text),  # the problem's members as JSON
    Column("left_out", Integer, nullable=False, default=0),  # older messages that were not sent
    Column("input_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("output_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("cost_nano", BigInteger),  # nano-dollars
    Column("request_id", String(128)),  # OpenAI's x-request-id
    Column("stop_asked", Integer, nullable=False, default=0),
    Column("created_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger),
    Column("key_fingerprint", String(8)),  # of the key that the last attempt used
    Column("shortened_to", Integer),  # tokens, where what was left of a budget allowed no more
    Column("rounds", Integer, nullable=False, default=0),  # how often a cut answer was gone on with; -1: imported
    Column("searchable", Integer, nullable=False, default=0),  # 1: its text can be found by a search
    Index("messages_of_parent", "chat", "parent", "created_at", "id"),
)
_streaming = messages.c.status == "streaming"
Index("messages_streaming", messages.c.heartbeat_at, postgresql_where=_streaming, sqlite_where=_streaming)
_unsearchable = messages.c.searchable == 0
Index("messages_unsearchable", messages.c.chat, postgresql_where=_unsearchable, sqlite_where=_unsearchable)
