"""The ends of a day and a month: a call counts in the period that it was begun in, and each has its own budget."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatbot.money import switches
from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S, Books, Clock, Stranger, calls_of

MIDNIGHT = datetime(2027, 3, 18, tzinfo=UTC).timestamp()
APRIL = datetime(2027, 4, 1, tzinfo=UTC).timestamp()
DAY_S = 86_400


@pytest.fixture(params=["sqlite", "postgresql"])
def clock(request: pytest.FixtureRequest, tmp_path: Path, fake: FakeOpenAI) -> Iterator[tuple[Clock, Served, Books]]:
    """A server with two workers whose clock can be stopped."""
    moved = Clock(tmp_path)
    variables: dict[str, object] = {"SECRET_KEY": SECRET, "WEB_CONCURRENCY": 2, "TRUSTED_PROXIES": 1}
    if request.param == "postgresql":
        variables["DATABASE_URL"] = request.getfixturevalue("postgres_database")
    with serving(tmp_path) as start:
        served = start(**fake.env, **variables, **moved.variables)
        books = Books(served)
        yield moved, served, books
        books.close()


def test_a_call_is_booked_on_the_day_it_was_begun_and_the_next_day_has_its_own_budget(
    clock: tuple[Clock, Served, Books], fake: FakeOpenAI
) -> None:
    moved, served, books = clock
    visitors = [Stranger(served) for _ in range(4)]
    moved.stop(MIDNIGHT - 4)
    with ThreadPoolExecutor(4) as pool:
        late = [pool.submit(each.ask, "tokens 300; hold 5") for each in visitors]
        wait_for(lambda: all(calls_of(fake, each.chat) for each in visitors), PATIENCE_S)
        switches.set_cap(books.engine, "site/day", sum(books.used("site/day")), "test")
        refused = Stranger(served).ask("tokens 2")
        assert refused.problem["code"] == "budget_spent" and refused.problem["retry_after"] <= 5
        moved.stop(MIDNIGHT)
        assert Stranger(served).ask("tokens 2").status == 200, "a new day"
        assert not any(each.done() for each in late)
        fake.go_on()
        assert {each.result().status for each in late} == {200}
    books.audit(fake)
    before = [row.cost_nano for row in books.attempts() if row.started_at < MIDNIGHT * 1000]
    after = [row.cost_nano for row in books.attempts() if row.started_at >= MIDNIGHT * 1000]
    assert (len(before), len(after)) == (4, 1)
    assert books.used("site/day/2027-03-17") == (sum(before), 0)
    assert books.used("site/day/2027-03-18") == (sum(after), 0)
    assert books.used("site/month/2027-03") == (books.cost(), 0), "the month goes on"

    switches.set_cap(books.engine, "site/day", None, "test")
    switches.set_cap(books.engine, "site/month", books.cost(), "test")
    refused = Stranger(served).ask("tokens 2")
    assert refused.problem["code"] == "budget_spent" and refused.problem["retry_after"] > 13 * DAY_S
    moved.stop(APRIL - 1)
    assert Stranger(served).ask("tokens 2").problem["code"] == "budget_spent"
    moved.stop(APRIL)
    assert Stranger(served).ask("tokens 2").status == 200, "a new month"
    books.audit(fake)
    assert books.used("site/month/2027-04") == (books.attempts()[-1].cost_nano, 0)
