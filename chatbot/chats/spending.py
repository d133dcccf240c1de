"""What answers have used, by the key that they were made with: from the record of turns."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from chatbot.tables import messages


@dataclass(frozen=True)
class Spending:
    """Answers, tokens in and out, and nano-dollars; `unpriced` answers broke off before their usage was told."""

    answers: int
    input_tokens: int
    output_tokens: int
    nano_dollars: int
    unpriced: int


def of_key(engine: Engine, fingerprint: str, since_ms: int) -> Spending:
    """What this app itself has used by the key since then."""
    made = (messages.c.key_fingerprint == fingerprint) & (messages.c.created_at >= since_ms)
    columns = (messages.c.input_tokens, messages.c.output_tokens, messages.c.cost_nano)
    sums = [func.coalesce(func.sum(column), 0) for column in columns]
    with engine.connect() as connection:
        count, sent, made_tokens, cost, priced = connection.execute(
            select(func.count(), *sums, func.count(messages.c.cost_nano)).where(made)
        ).one()
    return Spending(count, int(sent), int(made_tokens), int(cost), count - priced)
