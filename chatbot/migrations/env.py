"""Runs migrations on the connection, and inside the transaction, that chatbot/migrate.py opened."""

from alembic import context

from chatbot.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
