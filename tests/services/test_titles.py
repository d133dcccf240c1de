"""A title that a model is making when its worker goes: nothing waits for it, and its call is charged once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from chatbot.config import load_settings
from chatbot.db import now_ms
from chatbot.money.ledger import Ledger
from chatbot.money.prices import Prices
from chatbot.tables import chats
from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S, Books, Stranger, new_database

NAMER = "gpt-6-sol"
SLOW = "Bread? [fake: text Of flour. [fake: tokens 400; hold 9\\]]"


@dataclass
class House:
    served: Served
    books: Books
    fake: FakeOpenAI

    def title(self, chat: str) -> str:
        with self.books.engine.connect() as connection:
            return str(connection.execute(select(chats.c.title).where(chats.c.id == chat)).scalar_one())

    def begin_title(self) -> str:
        """A chat whose title is being made."""
        visitor, calls = Stranger(self.served), len(self.fake.calls)
        assert visitor.say(SLOW).types[-1] == "finish"
        wait_for(lambda: len(self.fake.calls) == calls + 2 and self.fake.calls[-1].pieces, PATIENCE_S)
        assert self.fake.calls[-1].model == NAMER
        return visitor.chat


@pytest.fixture(scope="module")
def house(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with FakeOpenAI() as fake, serving(tmp_path_factory.mktemp("titles")) as start:
        where = {"DATABASE_URL": new_database(postgres_url), "SECRET_KEY": SECRET, "TRUSTED_PROXIES": 1}
        served = start(**fake.env, **where, TITLE_MODEL=NAMER, MAX_CONCURRENT_REPLIES=1)
        books = Books(served)
        yield House(served, books, fake)
        books.close()


def test_a_chat_is_named_and_its_visitor_may_ask_on_meanwhile(house: House) -> None:
    visitor = Stranger(house.served)
    visitor.say("Bread? [fake: text Of flour. [fake: text Bread at home; but first 1\\]] [fake: first 0.3]")
    assert visitor.say("And beer? [fake: tokens 2]").status == 200
    wait_for(lambda: house.title(visitor.chat) == "Bread at home; but first 1", PATIENCE_S)
    house.books.audit(house.fake)


def test_a_worker_killed_in_mid_title_has_it_charged_in_full_and_once(house: House) -> None:
    chat = house.begin_title()
    title = house.title(chat)
    killed = house.served.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    killed_at = now_ms()
    wait_for(lambda: set(house.served.workers()) - set(killed), PATIENCE_S)
    wait_for(lambda: house.served.visitor().get("/readyz").status == 200, PATIENCE_S)
    (held,) = house.books.bury(killed_at)
    house.books.settle()
    row = next(row for row in house.books.attempts(chat=chat) if row.model == NAMER)
    assert (row.id, row.outcome, row.cost_nano) == (held.id, "crashed", held.nano)
    assert len(house.books.attempts(chat=chat)) == 2 and house.title(chat) == title
    house.books.audit(house.fake)


def test_a_stop_of_the_server_does_not_wait_for_a_title(house: House) -> None:
    chat = house.begin_title()
    began = time.monotonic()
    assert house.served.stop() == 0
    assert time.monotonic() - began < 18, "less than replies are given"
    settings = load_settings(_env_file=None, database_url=house.served.database, secret_key=SECRET)
    house.books.bury(now_ms())
    Ledger(house.books.engine, settings, Prices(settings)).recover()
    (row,) = [row for row in house.books.attempts(chat=chat) if row.model == NAMER]
    assert row.outcome in ("interrupted", "crashed")
    house.books.audit(house.fake)
