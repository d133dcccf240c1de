"""Asking the index of words, SQLite's FTS5 or PostgreSQL's tsvector: the same question, in the words of each."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    func,
    intersect,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from chatbot.history.words import Term, mark
from chatbot.tables import passages

_CHATS = select(passages.c.chat)
_BY_FTS5: Select[Any] = select(literal_column("passages.chat").label("chat")).select_from(
    text("passages_words JOIN passages INDEXED BY passages_by_id ON passages.id = passages_words.rowid")
)
# PostgreSQL's planner takes no account of the size of a tsvector, and knows nothing of a table that has just grown.
_BY_INDEX = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', :bitmaps, true),"
    " set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"
)


def prepare(connection: Connection, *, searching: bool) -> None:
    """At the start of a transaction: let the database go by its indexes; in their order, where it does not search."""
    if connection.dialect.name == "postgresql":
        connection.execute(_BY_INDEX, {"bitmaps": "on" if searching else "off"})


@cache
def holding(dialect: str, count: int) -> CTE:
    """The chats in which so many terms stand, wherever in the chat each does; `sought` says which."""
    if dialect == "postgresql":
        each = [_CHATS.where(_matches(number)) for number in range(count)]
    else:
        each = [_BY_FTS5.where(text(f"passages_words MATCH :sought{number}")) for number in range(count)]
    found = (each[0] if count == 1 else intersect(*each)).cte("found")
    return found.prefix_with("MATERIALIZED", dialect="postgresql")  # the index first, whatever the planner thinks


def sought(dialect: str, visitor: str, wanted: list[Term]) -> dict[str, str]:
    """The values of `holding` and `stands`. The words have no sign that means anything to a database."""
    values = {}
    for number, term in enumerate(wanted):
        marked = [mark(visitor) + word for word in term.words]
        if dialect == "postgresql":
            values[f"sought{number}"] = " <-> ".join(f"'{word}'" for word in marked) + (":*" if term.is_open else "")
        else:
            values[f"sought{number}"] = f'"{" ".join(marked)}"' + ("*" if term.is_open else "")
            values[f"plain{number}"] = f" {' '.join(marked)}" + ("" if term.is_open else " ")
    return values


def stands(dialect: str, number: int) -> ColumnElement[bool]:
    """Does this term stand in a row of passages? Without the index, for a few rows that are known."""
    if dialect == "postgresql":
        return _matches(number)
    return func.instr(" " + passages.c.words, bindparam(f"plain{number}")) > 0


def _matches(number: int) -> ColumnElement[bool]:
    return passages.c.words.op("@@", is_comparison=True)(cast(bindparam(f"sought{number}", type_=Text), TSQUERY))
