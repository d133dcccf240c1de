"""Chats, their tree of messages, and the counters of limits."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "chats",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("head", sa.String(64)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("chats_of_visitor", "chats", ["visitor", "updated_at"])
    op.create_table(
        "messages",
        sa.Column("chat", sa.String(64), sa.ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("parent", sa.String(64)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reasoning", sa.Text, nullable=False),
        sa.Column("model", sa.String(128)),
        sa.Column("finish_reason", sa.String(32)),
        sa.Column("problem", sa.Text),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("cached_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("reasoning_tokens", sa.Integer),
        sa.Column("cost_nano", sa.BigInteger),
        sa.Column("request_id", sa.String(128)),
        sa.Column("stop_asked", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger),
    )
    live = sa.text("status = 'streaming'")
    op.create_index("messages_streaming", "messages", ["heartbeat_at"], sqlite_where=live, postgresql_where=live)
    op.create_table(
        "limit_counters",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.Column("current", sa.Integer, nullable=False),
        sa.Column("previous", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("limit_counters_expiry", "limit_counters", ["expires_at"])
