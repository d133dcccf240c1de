"""The door and the blocks over several workers and stores: exact, and for all of them at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, select

from chatbot import db
from chatbot.config import load_settings
from chatbot.db import now_ms
from chatbot.tables import chats
from chatbot.visitors import blocks
from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import _create, in_parallel, statuses
from tests.visitor import Answer, Visitor
from tests.wire.test_stream import begin, listen_on

CODE = "mellon"
HOUR_MS = 3_600_000
NUMBERS = count()


@dataclass
class House:
    """A server of three workers, its fake OpenAI, and its database as another process sees it."""

    served: Served
    fake: FakeOpenAI
    engine: Engine


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "redis"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("access")
    database, more = f"sqlite:///{folder}/chat.db", {}
    if request.param == "postgresql":
        url, name = request.getfixturevalue("postgres_url"), "chat_" + secrets.token_hex(4)
        wait_for(lambda: _create(url, name), 30, "PostgreSQL")
        database = url.rpartition("/")[0] + f"/{name}"
    elif request.param == "redis":
        more["RATELIMIT_STORAGE_URI"] = request.getfixturevalue("redis_url")
    values = {"SECRET_KEY": secrets.token_hex(16), "DATABASE_URL": database, "ACCESS_CODE": CODE, "TRUSTED_PROXIES": 1}
    engine = db.open_engine(load_settings(_env_file=None, database_url=database, secret_key=values["SECRET_KEY"]))
    with FakeOpenAI() as fake, serving(folder) as start:
        yield House(start(**fake.env, **values, **more, WEB_CONCURRENCY=3), fake, engine)
    engine.dispose()


class Guest(Visitor):
    """A visitor from a network of their own, with a jar for both cookies."""

    def __init__(self, url: str) -> None:
        self.jar: dict[str, str] = {}
        self.network = {"X-Forwarded-For": f"10.{next(NUMBERS)}.0.7"}
        super().__init__(url)

    @property
    def cookie(self) -> str | None:  # type: ignore[override]
        return "; ".join(f"{name}={value}" for name, value in self.jar.items()) or None

    @cookie.setter
    def cookie(self, given: str | None) -> None:
        self.jar.update(dict([given.split("=", 1)]) if given else {})

    def enter(self, code: str = CODE) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded", **self.network}
        return self.request("POST", "/enter", urlencode({"code": code}).encode(), form)

    def twin(self) -> Guest:
        """Again, in another chat."""
        other = Guest(self.url)
        other.jar, other.network = dict(self.jar), self.network
        return other


def test_all_workers_together_look_at_ten_guesses_of_a_network_and_at_no_more(house: House) -> None:
    guest = Guest(house.served.url)
    right = in_parallel([guest.twin().enter for _ in range(20)], threads=4)
    assert {answer.status for answer in right} == {204}, "right ones at the same time are in nobody's way"
    wrong = in_parallel([lambda n=n: guest.twin().enter(f"guess {n}") for n in range(40)])
    assert [sum(answer.status == status for answer in wrong) for status in (401, 429)] == [10, 30]
    late = in_parallel([guest.twin().enter for _ in range(8)])
    assert {answer.status for answer in late} == {429}
    assert all(answer.headers["Retry-After"] and "Set-Cookie" not in answer.headers for answer in late)
    assert Guest(house.served.url).enter().status == 204
    assert "Traceback" not in house.served.log


def test_a_pass_opens_every_worker_and_what_is_live_is_closed_to_others(house: House) -> None:
    guest, calls = Guest(house.served.url), len(house.fake.calls)
    assert guest.enter().status == 204
    assert {guest.get("/api/me").status for _ in range(9)} == {200}
    live, _ = begin(guest, "Hello [fake: tokens 50; hold 5]")
    stranger = Visitor(guest.url)
    stranger.cookie = f"visitor={guest.jar['visitor']}"  # even as the same visitor
    assert stranger.listen(guest.chat).problem["code"] == "access_required"
    assert stranger.stop(guest.chat).status == 401
    assert stranger.say("Hello").status == 401
    assert listen_on(guest, house.fake, "0").is_done
    live.close()
    assert len(house.fake.calls) == calls + 1


def test_a_block_counts_in_every_worker_for_the_very_next_message(house: House) -> None:
    guest, other = Guest(house.served.url), Guest(house.served.url)
    for each in (guest, other):
        assert each.enter().status == 204 and each.say("Hello").status == 200
    with house.engine.connect() as connection:
        name = connection.execute(select(chats.c.visitor).where(chats.c.id == guest.chat)).scalar_one()

    blocks.block(house.engine, f"visitor/{name}", "rude", now_ms() + HOUR_MS)
    assert statuses(in_parallel([lambda: guest.twin().say("Hello") for _ in range(20)])) == {429: 20}
    assert statuses(in_parallel([lambda: other.twin().say("Hello") for _ in range(6)])) == {200: 6}
    refused = guest.say("Hello")
    assert refused.problem["code"] == "rate_limited" and "not answered here" in refused.problem["detail"]
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600

    blocks.unblock(house.engine, f"visitor/{name}")
    assert statuses(in_parallel([lambda: guest.twin().say("Hello") for _ in range(6)])) == {200: 6}
