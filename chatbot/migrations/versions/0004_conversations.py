"""Conversations that survive: temporary chats, versions, and what is still to be made searchable."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("chats", sa.Column("temporary", sa.Integer, nullable=False, server_default="0"))
    op.add_column("chats", sa.Column("seal", sa.String(64)))
    op.drop_index("chats_of_visitor", "chats")
    op.create_index("chats_of_visitor", "chats", ["visitor", "updated_at", "id"])
    temporary = sa.text("temporary = 1")
    op.create_index("chats_temporary", "chats", ["id"], sqlite_where=temporary, postgresql_where=temporary)
    op.create_index("chats_by_age", "chats", ["updated_at"])
    op.add_column("messages", sa.Column("shortened_to", sa.Integer))
    op.add_column("messages", sa.Column("rounds", sa.Integer, nullable=False, server_default="0"))
    op.add_column("messages", sa.Column("searchable", sa.Integer, nullable=False, server_default="0"))
    op.create_index("messages_of_parent", "messages", ["chat", "parent", "created_at", "id"])
    unsearchable = sa.text("searchable = 0")
    op.create_index(
        "messages_unsearchable", "messages", ["chat"], sqlite_where=unsearchable, postgresql_where=unsearchable
    )
