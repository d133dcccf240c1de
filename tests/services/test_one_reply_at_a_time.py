"""Two tabs, one chat: whoever asks while a reply is made is told so, on every database and by several workers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import Served, wait_for
from tests.fake_openai import FakeOpenAI
from tests.visitor import Visitor


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_questions_that_race_for_a_chat_one_is_answered(
    kind: str, serve: Callable[..., Served], fake: FakeOpenAI, request: pytest.FixtureRequest
) -> None:
    database = {"DATABASE_URL": request.getfixturevalue("postgres_database")} if kind == "postgresql" else {}
    served = serve(**fake.env, **database, WEB_CONCURRENCY=2, SECRET_KEY="s" * 32)
    first = served.visitor()
    assert first.get("/api/me").status == 200

    def ask(statuses: list[int]) -> None:
        visitor = Visitor(served.url)
        visitor.cookie, visitor.chat = first.cookie, first.chat
        response = visitor.post(visitor.body("[fake: tokens 4000; delay 20]"))
        statuses.append(response.status)
        response.read()

    with ThreadPoolExecutor(6) as pool:
        for calls in (1, 2):  # a chat that is opened by them, then one that is there
            statuses: list[int] = []
            asked = [pool.submit(ask, statuses) for _ in range(6)]
            wait_for(lambda: len(statuses) == 6, 30, "all are answered while the one is under way")  # noqa: B023
            assert first.stop().status == 202
            assert [each.result() for each in asked] == [None] * 6
            assert sorted(statuses) == [200, 409, 409, 409, 409, 409]
            assert len(fake.calls) == calls
    assert [message["role"] for message in first.stored()["messages"]] == ["user", "assistant"] * 2
