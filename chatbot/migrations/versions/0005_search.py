"""The search: rows of prepared words, with an index of them; what is stored already is indexed by a chore."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0005"
down_revision = "0004"

# The index keeps no text of its own. The rules take out what was in a row, and put in what is.
FTS5 = """
CREATE VIRTUAL TABLE passages_words
USING fts5(words, content='passages', content_rowid='id', columnsize=0, tokenize='ascii')
"""
OUT = "INSERT INTO passages_words (passages_words, rowid, words) VALUES ('delete', old.id, old.words);"
IN = "INSERT INTO passages_words (rowid, words) VALUES (new.id, new.words);"


def upgrade() -> None:
    op.create_table(
        "passages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("chat", sa.String(64), sa.ForeignKey("chats.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR, "postgresql"), nullable=False),
    )
    op.create_index("passages_of_chat", "passages", ["chat", "number"], unique=True)
    if op.get_bind().dialect.name == "postgresql":
        limit = {"gin_pending_list_limit": 512}
        op.create_index("passages_by_word", "passages", ["words"], postgresql_using="gin", postgresql_with=limit)
        return
    op.create_index("passages_by_id", "passages", ["id", "chat"])
    op.execute(FTS5)
    op.execute(f"CREATE TRIGGER passages_in AFTER INSERT ON passages BEGIN {IN} END")
    op.execute(f"CREATE TRIGGER passages_out AFTER DELETE ON passages BEGIN {OUT} END")
    op.execute(f"CREATE TRIGGER passages_changed AFTER UPDATE OF words ON passages BEGIN {OUT} {IN} END")
