"""A database or a limits' store that fails: no call is made, the visitor is told, and it recovers by itself."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET, Store, twin
from tests.services.money import locked_file
from tests.visitor import Reply, Visitor

Serve = Callable[..., Served]


def assert_unavailable(reply: Reply) -> None:
    assert (reply.status, reply.problem["code"]) == (503, "unavailable")
    assert reply.headers.get_content_type() == "application/problem+json"


def assert_ready_again(visitor: Visitor) -> None:
    wait_for(lambda: visitor.get("/readyz").status == 200, what="ready again")
    assert twin(visitor).say("Hello").status == 200


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture(scope="module")
def on_sqlite(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as start:
        yield start(**upstream.env)


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_with_the_limits_store_stopped_or_hanging_no_call_is_made(
    serve: Serve, fake: FakeOpenAI, store: Store, scheme: str
) -> None:
    served = serve(**fake.env, RATELIMIT_STORAGE_URI=f"{scheme}://127.0.0.1:{store.port}")
    visitor = served.visitor()
    assert visitor.say("Hello").status == 200
    store.stop()
    assert_unavailable(twin(visitor).say("Hello"))
    ready = visitor.get("/readyz")
    assert (ready.status, ready.json()["reason"]) == (503, "the limits store does not answer")
    assert visitor.get("/api/me").status == 200, "reading needs no limits"
    assert visitor.get("/healthz").status == 200
    assert len(fake.calls) == 1
    store.start()
    assert_ready_again(visitor)

    store.freeze()
    began = time.monotonic()
    try:
        assert_unavailable(twin(visitor).say("Hello"))
        assert time.monotonic() - began < 15
    finally:
        store.thaw()
    assert len(fake.calls) == 2
    assert_ready_again(visitor)
    assert "the limits' store failed: " in served.log and "Traceback" not in served.log


def test_with_the_sqlite_file_locked_no_call_is_made(on_sqlite: Served, upstream: FakeOpenAI) -> None:
    visitor = on_sqlite.visitor()
    assert visitor.say("Hello").status == 200
    calls = len(upstream.calls)
    with locked_file(on_sqlite):
        assert_unavailable(twin(visitor).say("Hello"))
        assert len(upstream.calls) == calls
        ready = visitor.get("/readyz")
        assert (ready.status, ready.json()["reason"]) == (503, "the database does not answer")
        assert visitor.stored()["messages"], "reading still works"
    assert_ready_again(visitor)
    assert "Traceback" not in on_sqlite.log


def test_a_lock_that_passes_only_delays_the_message(on_sqlite: Served) -> None:
    visitor = on_sqlite.visitor()
    assert visitor.say("Hello").status == 200
    with locked_file(on_sqlite):
        answers: list[Reply] = []
        asking = threading.Thread(target=lambda: answers.append(twin(visitor).say("Hello")))
        asking.start()
        time.sleep(1)
        assert not answers
    asking.join(60)
    assert answers[0].status == 200


def test_a_database_that_is_no_longer_writable_gets_no_call(on_sqlite: Served, upstream: FakeOpenAI) -> None:
    visitor = on_sqlite.visitor()
    assert visitor.say("Hello").status == 200
    calls = len(upstream.calls)
    with sqlite3.connect(on_sqlite.database.removeprefix("sqlite:///")) as connection:
        connection.execute("ALTER TABLE messages RENAME TO messages_elsewhere")
    assert_unavailable(twin(visitor).say("Hello"))
    assert visitor.get(f"/api/chats/{visitor.chat}").status == 503
    assert len(upstream.calls) == calls
    with sqlite3.connect(on_sqlite.database.removeprefix("sqlite:///")) as connection:
        connection.execute("ALTER TABLE messages_elsewhere RENAME TO messages")
    connection.close()
    assert_ready_again(visitor)


def test_a_sqlite_file_that_was_replaced_gets_no_call_until_it_is_back(on_sqlite: Served, upstream: FakeOpenAI) -> None:
    path = Path(on_sqlite.database.removeprefix("sqlite:///"))
    visitor = on_sqlite.visitor()
    assert visitor.say("Hello").status == 200
    calls, aside = len(upstream.calls), path.with_name("aside")
    aside.mkdir()
    kept = [file.rename(aside / file.name) for file in sorted(path.parent.glob(f"{path.name}*"))]
    assert_unavailable(twin(visitor).say("Hello"))
    assert visitor.get("/readyz").status == 503
    assert not path.exists(), "an empty one is no better"
    backup = shutil.copy(aside / path.name, path)
    log = shutil.copy(aside / f"{path.name}-wal", f"{path}-wal")
    before = [Path(file).read_bytes() for file in (backup, log)]
    assert_unavailable(twin(visitor).say("Hello"))
    assert [Path(file).read_bytes() for file in (backup, log)] == before, "a backup was mixed with the old one's log"
    assert len(upstream.calls) == calls
    for file in (backup, log):
        Path(file).unlink()
    for file in reversed(kept):  # the log before what it belongs to
        file.rename(path.parent / file.name)
    assert_ready_again(visitor)


def test_on_postgresql_a_turn_is_kept_and_with_it_away_no_call_is_made(
    serve: Serve, fake: FakeOpenAI, postgres_database: str
) -> None:
    served = serve(**fake.env, DATABASE_URL=postgres_database, SECRET_KEY=SECRET)
    visitor = served.visitor()
    assert visitor.say("A question [fake: text An answer.]").text == "An answer."
    question, answer = visitor.stored()["messages"]
    assert question["parts"][-1]["text"].startswith("A question")
    assert (answer["parts"][-1]["text"], answer["metadata"]["status"]) == ("An answer.", "complete")
    second = visitor.say("Another, with a NUL \0 in it")
    assert second.status == 200 and len(visitor.stored()["messages"]) == 4
    calls = len(fake.calls)
    server, _, name = postgres_database.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert_unavailable(twin(visitor).say("Hello"))
        ready = visitor.get("/readyz")
        assert (ready.status, ready.json()["reason"]) == (503, "the database does not answer")
        assert visitor.get("/healthz").status == 200
        assert len(fake.calls) == calls
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")  # type: ignore[arg-type]
    assert_ready_again(visitor)
    assert "Traceback" not in served.log
