"""Two tabs, one chat: whoever asks while a reply is made is told so, on every database and by several workers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import Served
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

    def ask(chat: str) -> int:
        visitor = Visitor(served.url)
        visitor.cookie, visitor.chat = first.cookie, chat
        return visitor.say("[fake: tokens 40; delay 20]").status

    with ThreadPoolExecutor(6) as pool:
        for _ in range(2):  # a chat that is opened by them, then one that is there
            before = len(fake.calls)
            statuses = sorted(pool.map(ask, [first.chat] * 6))
            assert statuses == [200, 409, 409, 409, 409, 409]
            assert len(fake.calls) == before + 1
    assert [message["role"] for message in first.stored()["messages"]] == ["user", "assistant"] * 2
