"""The desk of a real server: guesses are counted once for all workers, figures are exact across them, deeds count."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import Served, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.visitor import Answer, Visitor

PASSWORD = "a horse with a battery"


class Operator(Visitor):
    """A visitor who sends forms as the desk's own pages do."""

    def send(self, path: str, address: str = "192.0.2.1", **typed: str) -> Answer:
        headers = {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address}
        return self.request("POST", path, urlencode(typed).encode(), headers)

    def enter(self, password: str = PASSWORD, address: str = "192.0.2.1") -> Answer:
        return self.send("/admin/enter", address, password=password)

    def metrics(self) -> dict[str, float]:
        answer = self.get("/admin/metrics")
        assert answer.status == 200
        samples = (line.rpartition(" ") for line in answer.body.decode().splitlines() if line[0] != "#")
        return {name: float(value) for name, _, value in samples}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
    else:
        yield {"DATABASE_URL": request.getfixturevalue("postgres_database"), "SECRET_KEY": SECRET}


def test_a_hundred_wrong_passwords_from_fifty_addresses_lock_the_desk_for_all_workers(
    serve: Callable[..., Served], database: dict[str, str]
) -> None:
    served = serve(ADMIN_PASSWORD=PASSWORD, TRUSTED_PROXIES=1, WEB_CONCURRENCY=2, **database)
    inside = Operator(served.url)
    assert inside.enter().status == 303

    def guess(number: int) -> Answer:
        return Operator(served.url).enter(f"guess {number}", f"198.51.100.{number % 50}")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(100)))
    assert sorted(answer.status for answer in answers) == [403] * 10 + [429] * 90
    assert all(0 < int(answer.headers["Retry-After"]) <= 900 for answer in answers if answer.status == 429)
    right = Operator(served.url).enter(PASSWORD, "203.0.113.5")
    assert right.status == 429 and "Set-Cookie" not in right.headers
    assert inside.get("/admin").status == 200, "who is in stays in"
    assert served.log.count("ALERT: ten wrong passwords") == 1


def test_the_figures_are_exact_across_workers(
    serve: Callable[..., Served], fake: FakeOpenAI, database: dict[str, str]
) -> None:
    served = serve(**fake.env, ADMIN_PASSWORD=PASSWORD, WEB_CONCURRENCY=2, **database)
    operator = Operator(served.url)
    operator.enter()
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: served.visitor().say("[fake: tokens 20]"), range(60)))
    assert all(reply.is_done for reply in replies)
    assert len(fake.calls) == 60
    looks = [operator.metrics() for _ in range(6)]
    assert looks == [looks[0]] * 6, "whichever worker answers"
    found = looks[0]
    assert sum(value for name, value in found.items() if name.startswith("turnkey_attempts_total")) == 60
    tokens = sum(chunk["messageMetadata"]["usage"]["outputTokens"] for reply in replies for chunk in finishes(reply))
    assert sum(value for name, value in found.items() if 'kind="output"' in name) == tokens > 0
    cost = sum(value for name, value in found.items() if name.startswith("turnkey_cost_dollars_total"))
    assert cost == pytest.approx(found['turnkey_budget_spent_dollars{budget="site/day"}']) and cost > 0
    assert found["turnkey_live_replies"] == found['turnkey_budget_held_dollars{budget="site/day"}'] == 0
    page = operator.get("/admin").body.decode()
    assert re.search(r"Attempts today</dt><dd>60</dd>", page)


def finishes(reply: Any) -> list[dict[str, Any]]:
    return [chunk for chunk in reply.chunks if chunk["type"] == "finish"]


def test_what_the_desk_says_holds_at_once_in_every_worker(
    serve: Callable[..., Served], fake: FakeOpenAI, database: dict[str, str]
) -> None:
    served = serve(**fake.env, ADMIN_PASSWORD=PASSWORD, WEB_CONCURRENCY=2, **database)
    operator = Operator(served.url)
    operator.enter()
    assert served.visitor().say("[fake: tokens 5]").is_done

    def codes() -> list[str]:
        return [str(served.visitor().say("[fake: tokens 5]").problem.get("code")) for _ in range(6)]

    assert operator.send("/admin/pause", why="a look at the bill").status == 303
    assert codes() == ["paused"] * 6
    assert operator.send("/admin/resume").status == 303
    assert codes() == ["None"] * 6
    assert operator.send("/admin/cap", budget="site/day", dollars="0").status == 303
    assert codes() == ["budget_spent"] * 6
    assert operator.send("/admin/cap", budget="site/day", dollars="").status == 303
    assert codes() == ["None"] * 6
    assert operator.send("/admin/block", who="127.0.0.1", until="2099-01-01T00:00", why="a flood").status == 303
    assert codes() == ["rate_limited"] * 6
    subject = re.search(rb'name="subject" value="(network/[0-9a-f]{32})"', operator.get("/admin").body)
    assert subject and operator.send("/admin/unblock", subject=subject[1].decode()).status == 303
    assert codes() == ["None"] * 6


def test_a_pause_may_cut_answers_under_way_short(serve: Callable[..., Served], fake: FakeOpenAI) -> None:
    served = serve(**fake.env, ADMIN_PASSWORD=PASSWORD)
    operator, visitor = Operator(served.url), served.visitor()
    operator.enter()
    replies: list[Any] = []
    listening = threading.Thread(target=lambda: replies.append(visitor.say("[fake: tokens 2000; hold 9]")))
    listening.start()
    wait_for(lambda: b"<dt>Being answered now</dt><dd>1</dd>" in operator.get("/admin").body)
    assert operator.send("/admin/pause", why="enough", stops_replies="on").status == 303
    listening.join(30)
    assert replies and replies[0].is_done
    wait_for(lambda: b"<dt>Being answered now</dt><dd>0</dd>" in operator.get("/admin").body)
