"""Going on with an answer while its old worker still books it: in one order of locks, and nothing is written twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app import create_app
from chatbot.chats.asked import Ask
from chatbot.chats.kept import finish, keep
from chatbot.chats.live import LiveReply, Outcome
from chatbot.config import load_settings
from chatbot.db import writing
from chatbot.migrate import prepare
from chatbot.money.charge import Attempt
from chatbot.money.hold import Payer
from chatbot.web.parts import Parts
from tests.services.conftest import SECRET

CHAT, MODEL = "chat-00001", "gpt-6-luna"


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Parts]:
    url = f"sqlite:///{tmp_path}/chat.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    made: Parts = create_app(load_settings(_env_file=None, database_url=url, secret_key=SECRET)).extensions["turnkey"]
    prepare(made.engine)
    yield made
    made.engine.dispose()


def frozen(house: Parts) -> LiveReply:
    """The reply of a worker that others take for dead."""
    turn = house.turns.prepare(Ask(CHAT, "visitor", MODEL, text="Hello"))
    turn.reply.append("half", "")
    with writing(house.engine) as connection:
        keep(connection, [turn.reply])
        connection.execute(text("UPDATE messages SET heartbeat_at = heartbeat_at - 31000 WHERE role = 'assistant'"))
        connection.execute(text("UPDATE reservations SET alive_at = alive_at - 31000"))
    return turn.reply


def test_a_worker_that_wakes_writes_nothing_into_an_answer_that_goes_on(house: Parts) -> None:
    old = frozen(house)
    new = house.turns.prepare(Ask(CHAT, "visitor", MODEL, cut=old.message)).reply
    new.append(" and more", "")
    old.append(" of something else", "")
    with writing(house.engine) as connection:
        assert keep(connection, [new]) == []
        assert keep(connection, [old]) == [old], "it hears that it is no longer wanted"
        finish(connection, old, Outcome("stopped"), "", None)
        finish(connection, new, Outcome("complete", "stop"), "", None)
    with house.engine.connect() as connection:
        (kept,) = connection.execute(text("SELECT text, status FROM messages WHERE role = 'assistant'")).all()
    assert tuple(kept) == ("half and more", "complete")


def test_a_worker_that_wakes_and_books_does_not_stand_in_the_way(house: Parts) -> None:
    """Were the message locked before the budgets, each would wait for the other."""
    old = frozen(house)
    payer = Payer("visitor", "", CHAT, old.message, MODEL)
    hold = house.ledger.reserve(payer, 100, again=True)
    ended: list[object] = []
    booked, go = threading.Event(), threading.Event()

    def settle() -> None:
        with writing(house.engine) as connection:
            house.ledger.settle(hold, Attempt("stopped"))
            booked.set()
            go.wait(1)
            finish(connection, old, Outcome("stopped"), "", None)
        ended.append("settled")

    def go_on() -> None:
        booked.wait(30)
        ended.append(house.turns.prepare(Ask(CHAT, "visitor", MODEL, cut=old.message)))

    threads = [threading.Thread(target=work) for work in (settle, go_on)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ended) == 2
