"""What a search looks in: the prepared words of titles and texts, some thousand of a chat in each row."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from chatbot.tables.metadata import metadata

# On SQLite, triggers keep an FTS5 table, `passages_words`, in step with it (chatbot/migrations).
passages = Table(
    "passages",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("chat", String(64), ForeignKey("chats.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # within the chat; 0 is its title
    Column("since", BigInteger, nullable=False),  # when its oldest message was made
    Column("upto", BigInteger, nullable=False),  # and its newest
    Column("size", Integer, nullable=False),  # words
    Column("words", Text().with_variant(TSVECTOR, "postgresql"), nullable=False),
    Index("passages_of_chat", "chat", "number", unique=True),
)
# What SQLite finds by its words it finds by this without reading the words; PostgreSQL keeps long ones elsewhere.
Index("passages_by_id", passages.c.id, passages.c.chat).ddl_if(dialect="sqlite")
Index(
    "passages_by_word",
    passages.c.words,
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": 512},  # kB; a search reads through what is pending
).ddl_if(dialect="postgresql")
