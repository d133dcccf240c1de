"""What the tests of the bill share: the app's own books, read by SQL, against the bill of the fake."""

from __future__ import annotations

import http.client
import secrets
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from chatbot import db
from chatbot.config import load_settings
from chatbot.money import switches
from chatbot.tables import budgets, ledger, messages, reservations, usage_hours
from tests.conftest import Served, wait_for
from tests.fake_openai import Call, FakeOpenAI
from tests.fake_openai_parts.reply import last_user_text
from tests.services.conftest import _create
from tests.visitor import Reply, Visitor, new_id

CLOCK = Path(__file__).with_name("clock")
PATIENCE_S = 60  # of waits that a busy machine may make long


class Books:
    """The money of one server as its database has it, whatever kind of database that is."""

    def __init__(self, served: Served) -> None:
        settings = load_settings(_env_file=None, database_url=served.database, secret_key="of the tests")
        self.engine = db.open_engine(settings)
        self._audited: set[str] = set()

    def close(self) -> None:
        self.engine.dispose()

    def attempts(self, **wanted: object) -> list[Any]:
        """Rows of the ledger with these values, in the order in which the calls were begun."""
        query = select(ledger).order_by(ledger.c.started_at, ledger.c.ended_at)
        for name, value in wanted.items():
            query = query.where(ledger.c[name] == value)
        with self.engine.connect() as connection:
            return list(connection.execute(query))

    def holds(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(reservations)))

    def cost(self) -> int:
        return self._sum(select(func.sum(ledger.c.cost_nano)))

    def used(self, scope: str) -> tuple[int, int]:
        """What is spent and what is held in all the periods of scopes that begin so, in one look."""
        query = select(func.coalesce(func.sum(budgets.c.spent), 0), func.coalesce(func.sum(budgets.c.held), 0))
        with self.engine.connect() as connection:
            spent, held = connection.execute(query.where(budgets.c.scope.startswith(scope, autoescape=True))).one()
        return int(spent), int(held)

    def settle(self, seconds: float = PATIENCE_S) -> None:
        """Wait until nothing is held any more."""
        wait_for(lambda: not self.holds(), seconds, "all calls booked")

    def give(self, nano: int | None, budget: str = "site/day") -> int:
        """Let so much more be spent than has been by now, or what the settings say; the cap."""
        cap = sum(self.used(budget)) + (nano or 0)
        switches.set_cap(self.engine, budget, None if nano is None else cap, "test")
        return cap

    def bury(self, since: int, by_ms: int = 30_000) -> list[Any]:
        """Make those dead for half a minute whose workers have been silent since then; what these held."""
        with db.writing(self.engine) as connection:
            dead = list(connection.execute(select(reservations).where(reservations.c.alive_at <= since)))
            for table, column in ((reservations, "alive_at"), (messages, "heartbeat_at")):
                connection.execute(
                    text(f"UPDATE {table.name} SET {column} = {column} - :by_ms WHERE {column} <= :since"),
                    {"since": since, "by_ms": by_ms},
                )
        return dead

    def audit(self, fake: FakeOpenAI) -> None:
        """Nothing is held; the sums agree; no call costs less here than on the bill; told usage costs the same."""
        self.settle()
        if self.engine.dialect.name == "postgresql":  # their victims are tried again, so that nothing else would show
            with self.engine.connect() as connection:
                found = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                assert connection.execute(found).scalar_one() == 0
        bill, cost = fake.bill(), self.cost()
        assert bill.nano_dollars <= cost
        for scope in ("site/day", "site/month", "network/", "visitor/"):
            assert self.used(scope) == (cost, 0), scope
        assert self.used("tokens/")[1] == 0
        assert self._sum(select(func.sum(usage_hours.c.cost_nano))) == cost
        billed = {line.number: line.nano_dollars for line in bill.lines}
        calls = {call.request_id: call for call in fake.calls}
        for row in self.attempts():
            if row.id in self._audited:
                continue
            self._audited.add(row.id)
            call = calls.get(row.request_id)
            nano = billed.get(call.number, 0) if call else 0
            told = (dict(row._mapping), call and (call.directives, call.outcome, call.usage))
            assert row.cost_nano >= nano, told
            assert row.cost_nano == nano or row.basis != "usage", told
            assert row.cost_nano <= row.held_nano or "endless" in str(call and call.directives), told

    def _sum(self, query: Any) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one() or 0)


@contextmanager
def locked_file(served: Served) -> Iterator[None]:
    """Another process has the SQLite file to itself."""
    connection = sqlite3.connect(served.database.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def watching(books: Books, fake: FakeOpenAI, cap: int = 2**62) -> Iterator[None]:
    """Looks all the while whether the bill is covered by what is spent or held, and that by the cap.

    What was billed before a look at the books must be in them: no call's cost is held or spent any less later.
    """
    looks, wrong = 0, []
    over = threading.Event()

    def look() -> None:
        nonlocal looks
        while not over.is_set():
            bill = fake.bill().nano_dollars
            taken = sum(books.used("site/day"))
            looks += 1
            if not bill <= taken <= cap:
                wrong.append((bill, taken, cap))
            time.sleep(0.02)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(10)
    assert looks > 3 and not wrong, wrong[:3]


class Stranger(Visitor):
    """A visitor from a network of their own."""

    def __init__(self, served: Served) -> None:
        super().__init__(served.url)
        self.address = ".".join(["10", *(str(secrets.randbelow(256)) for _ in range(3))])

    def open(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        return super().open(method, path, body, {"X-Forwarded-For": self.address, **(headers or {})})

    def ask(self, directive: str) -> Reply:
        """A question in a chat of its own, which `calls_of` finds again."""
        self.chat = new_id()
        return self.say(f"{self.chat} [fake: {directive}]")

    def twin(self) -> Stranger:
        """The same visitor in another chat."""
        other = Stranger.__new__(Stranger)
        other.__dict__.update(self.__dict__, chat=new_id())
        return other


def calls_of(fake: FakeOpenAI, chat: str) -> list[Call]:
    """The upstream's calls for the question that named this chat."""
    return [call for call in fake.calls if call.body and chat in last_user_text(call.api, call.body)]


class Crowd:
    """Strangers who ask one question after the other until they are told to leave; keeps every reply."""

    def __init__(self, served: Served, size: int, directive: str) -> None:
        self.replies: list[Reply] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._chat, args=(Stranger(served), directive), daemon=True) for _ in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def leave(self) -> list[Reply]:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return self.replies

    def _chat(self, visitor: Stranger, directive: str) -> None:
        while not self._over.is_set():
            with suppress(OSError, http.client.HTTPException):  # its worker was killed
                self.replies.append(visitor.ask(directive))


@contextmanager
def crowd(served: Served, size: int, directive: str) -> Iterator[Crowd]:
    visitors = Crowd(served, size, directive)
    try:
        yield visitors
    finally:
        visitors.leave()


class Clock:
    """The clock of a server's processes, which goes or stands; `variables` put it into their environment."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "clock"
        self._path.write_bytes(struct.pack("dd", 0, 0))
        self.offset = 0.0
        self.variables = {"PYTHONPATH": str(CLOCK), "CLOCK": str(self._path)}

    def set(self, now: float) -> None:
        """From now on it is this time there, in seconds since 1970."""
        self.offset = now - time.time()
        self._tell(self.offset, 0)

    def stop(self, now: float) -> None:
        """It stays this time there."""
        self._tell(0, now)

    def _tell(self, *how: float) -> None:
        with self._path.open("r+b") as file:
            file.write(struct.pack("dd", *how))

    def time(self) -> float:
        return time.time() + self.offset


def in_threads(*tasks: Callable[[], Any]) -> list[Any]:
    """What each of them returns, all at the same time."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def new_database(postgres_url: str) -> str:
    """As the fixture postgres_database, for servers that several tests share."""
    name = "bill_" + secrets.token_hex(4)
    wait_for(lambda: _create(postgres_url, name), 30, "PostgreSQL, which answers before it has started up")
    return postgres_url.rpartition("/")[0] + f"/{name}"


def kinds(replies: Sequence[Reply]) -> dict[str, int]:
    """How many answers there were of each kind: `200`, or the status and code of a problem."""
    found = [f"{reply.status} {reply.problem.get('code', '')}".strip() for reply in replies]
    return {kind: found.count(kind) for kind in sorted(set(found))}
