"""A page of the history costs the same however long the history is, and a search what its own visitor has."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from chatbot.history import search
from chatbot.history.passages import index_rest
from tests.history_rows import DENSE, EVERYWHERE, RARE, fill
from tests.services.money import new_database
from tests.services.shelves import Shelf, app_over

FEW, MANY = 100, 20_000
pytestmark = pytest.mark.alone
SAID = 300  # chats with messages


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    file = tmp_path_factory.mktemp("speed") / "chat.db"
    is_file = request.param == "sqlite"
    with app_over(f"sqlite:///{file}" if is_file else new_database(request.getfixturevalue("postgres_url"))) as made:
        yield made


@pytest.fixture(scope="module")
def few(app: Flask) -> Shelf:
    return filled(app, FEW, 0)


@pytest.fixture(scope="module")
def many(app: Flask) -> Shelf:
    return filled(app, MANY, 0)


@pytest.fixture(scope="module")
def wordy(app: Flask) -> Shelf:
    filled(app, SAID, 4)
    return filled(app, SAID, 4)


def filled(app: Flask, count: int, each: int) -> Shelf:
    made = Shelf(app)
    fill(made.engine, made.id, count, each)
    return made


def took(*calls: Callable[[], object]) -> list[float]:
    """The median seconds of each, measured in turns."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(30):
        for call, seconds in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
    return [median(seconds) for seconds in taken]


def test_a_page_of_20000_chats_costs_what_one_of_100_does(few: Shelf, many: Shelf) -> None:
    middle = many.page(before=many.page()["chats"][0]["updated_at"] - MANY // 2 * 1000)
    assert len(middle["chats"]) == len(few.page()["chats"]) == 30
    short, first, deep = took(few.page, many.page, lambda: many.page(before=middle["before"]))
    assert first < 3 * short
    assert deep < 3 * short


def test_a_search_costs_nothing_of_what_others_have(few: Shelf, wordy: Shelf) -> None:
    assert len(wordy.found(EVERYWHERE)) == 30
    for query in (EVERYWHERE, "ev"):
        own, others = took(lambda query=query: wordy.page(q=query), lambda query=query: few.page(q=query))
        assert few.found(query) == []
        assert others < own / 2


QUERIES = {
    "all": "",
    "everywhere": EVERYWHERE + " ",
    "rare": RARE,
    "prefix": "ev",
    "two words": f"{RARE} {EVERYWHERE} ",
    "dense": DENSE,
}


@pytest.mark.parametrize("query", QUERIES)
def test_every_statement_goes_by_an_index(wordy: Shelf, query: str) -> None:
    plans = explained(wordy, lambda: wordy.page(q=QUERIES[query]))
    assert len(plans) == 1 + bool(QUERIES[query])
    for plan in plans:
        assert not re.search(r"Seq Scan|SCAN (chats|messages|passages)(?!_)", plan), plan
    assert re.search("chats_of_visitor", plans[0]), plans[0]
    if not QUERIES[query]:
        assert not re.search(r"Sort|TEMP B-TREE FOR", plans[0]), plans[0]
    else:
        assert re.search(r"passages_by_word|passages_words VIRTUAL TABLE INDEX 0:M", plans[0]), plans[0]


def test_what_is_to_be_indexed_is_looked_for_by_its_index(wordy: Shelf) -> None:
    (plan,) = explained(wordy, lambda: index_rest(wordy.engine))
    assert "messages_unsearchable" in plan
    if wordy.engine.dialect.name == "sqlite":
        small = "messages USING INDEX messages_unsearchable|messages_1 USING INDEX messages_streaming"
        assert not re.search(f"SCAN (?!{small})", plan), plan


def explained(shelf: Shelf, call: Callable[[], object]) -> list[str]:
    """How the database finds the rows of each SELECT that this call makes."""
    made: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            made.append((statement, parameters))

    event.listen(shelf.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(shelf.engine, "before_cursor_execute", note)
    with shelf.engine.connect() as connection:
        search.prepare(connection, searching=len(made) > 1)
        start = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        told = [connection.exec_driver_sql(start + statement, parameters).all() for statement, parameters in made]
    return ["\n".join(str(row[-1]) for row in rows) for rows in told]
