"""LIMIT_TOKENS_VISITOR: what a visitor uses up stays within it by OpenAI's count, and the last answers fit."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Served
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import Books, Stranger, calls_of, in_threads
from tests.visitor import Reply

LIMIT = 4000
USEFUL = 256
pytestmark = pytest.mark.usefixtures("one_day")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_visitors_tokens_stay_within_the_limit_and_the_last_answers_are_made_to_fit(
    serve: Callable[..., Served], fake: FakeOpenAI, database: str, request: pytest.FixtureRequest
) -> None:
    where = {"DATABASE_URL": request.getfixturevalue("postgres_database")} if database == "postgresql" else {}
    served = serve(
        **fake.env, **where, SECRET_KEY=SECRET, WEB_CONCURRENCY=2, TRUSTED_PROXIES=1, MAX_OUTPUT_TOKENS=1024,
        LIMIT_TOKENS_VISITOR=f"{LIMIT}/day",
    )  # fmt: skip
    books, visitor = Books(served), Stranger(served)
    assert visitor.get("/api/me").json()["allowance"]["tokens"]["left"] == LIMIT
    replies: list[tuple[Stranger, Reply]] = []
    while not any(reply.status == 429 and reply.problem["retry_after"] > 5 for _, reply in replies[-3:]):
        twins = [visitor.twin() for _ in range(3)]
        found = in_threads(*[lambda each=each: each.ask("tokens 1100; delay 1") for each in twins])
        replies += list(zip(twins, found, strict=True))
    books.audit(fake)
    books.close()
    bill = fake.bill()
    assert LIMIT - 2 * USEFUL < bill.tokens("input") + bill.tokens("output") <= LIMIT
    shortened = [
        (twin, reply.chunk("start")["messageMetadata"]["shortenedTo"])
        for twin, reply in replies
        if reply.status == 200 and "shortenedTo" in reply.chunk("start")["messageMetadata"]
    ]
    assert shortened
    for twin, tokens in shortened:
        (call,) = calls_of(fake, twin.chat)
        assert USEFUL <= tokens < 1024 and call.body["max_output_tokens"] == tokens
    calls = len(fake.calls)
    refused = visitor.ask("tokens 2")
    assert (refused.status, refused.problem["code"]) == (429, "rate_limited") and len(fake.calls) == calls
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert abs(refused.problem["retry_after"] - (midnight.timestamp() - time.time())) < 60
    told = visitor.get("/api/me").json()["allowance"]["tokens"]
    assert told["limit"] == LIMIT and told["left"] < 2 * USEFUL
    assert datetime.fromisoformat(told["resets_at"]) == midnight
    assert Stranger(served).ask("tokens 2").status == 200, "others have their own"
