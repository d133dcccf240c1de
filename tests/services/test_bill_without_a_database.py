"""The database locked, full or gone: no call is made, it heals by itself, and what ended meanwhile is booked once."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pytest

from chatbot.db import now_ms
from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S, Books, Stranger, calls_of, locked_file, new_database


@dataclass
class House:
    served: Served
    books: Books
    fake: FakeOpenAI


@pytest.fixture(scope="module")
def houses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., House]]:
    """A function that gives the server with this kind of database."""
    found: dict[str, House] = {}
    with ExitStack() as stack:

        def house(database: str) -> House:
            if database not in found:
                where = {}
                if database == "postgresql":
                    where["DATABASE_URL"] = new_database(request.getfixturevalue("postgres_url"))
                fake = stack.enter_context(FakeOpenAI())
                start = stack.enter_context(serving(tmp_path_factory.mktemp(database)))
                served = start(**fake.env, **where, SECRET_KEY=SECRET, WEB_CONCURRENCY=2, TRUSTED_PROXIES=1)
                found[database] = House(served, Books(served), fake)
                stack.callback(found[database].books.close)
            return found[database]

        yield house


@contextmanager
def full_disk(served: Served) -> Iterator[None]:
    """No worker can write a file on beyond a few pages, as on a disk that is full; the log goes on."""
    most = served.log_path.stat().st_size + 16_384
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in served.workers()}
    for pid, (_, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


@contextmanager
def locked_tables(served: Served) -> Iterator[None]:
    """Another session has the tables of money to itself."""
    with psycopg.connect(served.database) as connection:
        connection.execute("LOCK TABLE budgets, reservations, ledger IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@contextmanager
def lost_server(served: Served) -> Iterator[None]:
    """All connections break, and no new one is let in."""
    server, _, name = served.database.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


class Thief:
    """A PostgreSQL on a port of its own, by which the COMMIT of one chat's question arrives, but its answer is lost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 5432))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://chat@127.0.0.1:{self._door.getsockname()[1]}{parts.path}"
        self.chat = b"nobody's"
        self.stole = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._server)
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass_back, args=(server, client), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        is_chosen = False
        with suppress(OSError):
            while data := client.recv(65536):
                is_chosen = is_chosen or self.chat in data
                if b"COMMIT" in data and is_chosen and not self.stole.is_set():
                    self.stole.set()
                    client.shutdown(socket.SHUT_RDWR)  # what comes back is not heard
                server.sendall(data)
        with suppress(OSError):  # it may have been closed
            server.shutdown(socket.SHUT_WR)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(65536):
            with suppress(OSError):
                client.sendall(data)
        server.close()
        client.close()


def test_a_hold_whose_commit_was_not_confirmed_comes_free_though_its_worker_lives(
    fake: FakeOpenAI, serve: Callable[..., Served], postgres_database: str
) -> None:
    thief = Thief(postgres_database)
    served = serve(**fake.env, DATABASE_URL=thief.url, SECRET_KEY=SECRET, TRUSTED_PROXIES=1)
    served.database = postgres_database
    books, visitor = Books(served), Stranger(served)
    with ThreadPoolExecutor(1) as pool:
        living = Stranger(served)
        under_way = pool.submit(living.ask, "tokens 80; hold 5")
        wait_for(lambda: len(fake.calls) == 1, PATIENCE_S)
        thief.chat = visitor.chat.encode()
        refused = visitor.say("Hello")
        told = (thief.stole.is_set(), refused.status, refused.problem.get("code"))
        assert told == (True, 503, "unavailable"), served.log[-3000:]
        wait_for(lambda: len(books.holds()) == 2, PATIENCE_S, "one that nobody knows of")
        assert len(fake.calls) == 1
        gone = now_ms()
        wait_for(lambda: any(held.alive_at > gone for held in books.holds()), PATIENCE_S, "the living one beats")
        assert [held.chat for held in books.bury(gone)] == [visitor.chat]
        wait_for(lambda: len(books.holds()) == 1, PATIENCE_S, "it is charged, though never used: who can know")
        assert [held.chat for held in books.holds()] == [living.chat]
        fake.go_on()
        assert under_way.result().status == 200
    books.audit(fake)
    books.close()
    thief.close()


@pytest.mark.parametrize(
    ("database", "trouble"),
    [("sqlite", locked_file), ("sqlite", full_disk), ("postgresql", locked_tables), ("postgresql", lost_server)],
    ids=["sqlite-locked", "sqlite-full", "postgresql-locked", "postgresql-gone"],
)
def test_without_a_database_no_call_is_made_and_what_ends_meanwhile_is_booked_once_later(
    houses: Callable[..., House], database: str, trouble: Callable[[Served], object]
) -> None:
    house = houses(database)
    fake, books = house.fake, house.books
    visitor = Stranger(house.served)
    assert visitor.ask("tokens 2000").status == 200
    calls = len(fake.calls)
    with ThreadPoolExecutor(8) as pool:
        under_way = pool.submit(visitor.ask, "tokens 40; hold 5")
        wait_for(lambda: len(fake.calls) > calls and fake.calls[-1].pieces, PATIENCE_S)
        with trouble(house.served):  # type: ignore[attr-defined]
            refused = list(pool.map(lambda _: Stranger(house.served).ask("tokens 2"), range(2)))
            assert {(reply.status, reply.problem["code"]) for reply in refused} == {(503, "unavailable")}
            assert {reply.headers.get_content_type() for reply in refused} == {"application/problem+json"}
            (call,) = calls_of(fake, visitor.chat)
            fake.go_on()
            assert fake.wait(lambda: call.outcome == "completed"), "it goes on meanwhile"
            assert len(fake.calls) == calls + 1
            time.sleep(0.5)
        reply = under_way.result()
    assert reply.text == "tok " * 40 and reply.types[-1] == "finish"
    wait_for(lambda: visitor.get("/readyz").status == 200, PATIENCE_S)
    books.settle()
    (row,) = books.attempts(chat=visitor.chat)
    assert (row.outcome, row.basis, row.output_tokens) == ("complete", "usage", 40)
    assert visitor.stored()["messages"][-1]["parts"][-1]["text"] == "tok " * 40
    assert Stranger(house.served).ask("tokens 2").status == 200
    books.audit(fake)
    assert "Traceback" not in house.served.log
