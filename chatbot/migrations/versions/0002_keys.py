"""What is remembered of keys, and which key each answer was made with."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("fingerprint", sa.String(8), primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("refused_at", sa.BigInteger),
    )
    op.add_column("messages", sa.Column("key_fingerprint", sa.String(8)))
