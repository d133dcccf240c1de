"""What the tests of whole servers share: a fresh PostgreSQL database, a Redis to break, requests in parallel."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.conftest import _answers, free_port, needed, wait_for
from tests.visitor import Reply, Visitor

SECRET = "of the tests alone"  # what a server off SQLite must be given


@pytest.fixture
def postgres_database(postgres_url: str) -> str:
    """The address of a database of this test's own."""
    name = "chat_" + secrets.token_hex(4)
    wait_for(lambda: _create(postgres_url, name), 30, "PostgreSQL, which answers before it has started up")
    return postgres_url.rpartition("/")[0] + f"/{name}"


def _create(url: str, name: str) -> bool:
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    except psycopg.OperationalError:
        return False
    return True


class Store:
    """A Redis that a test may stop, freeze and start again."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self._program = needed(shutil.which("redis-server") or shutil.which("valkey-server"), "Redis")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self._folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: _answers(self.port), what="Redis")

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    running = Store(tmp_path)
    yield running
    running.stop()


def in_parallel(calls: Sequence[Callable[[], Reply]], threads: int = 16) -> list[Reply]:
    """The answers of these calls, sixteen under way at a time."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda call: call(), calls))


def twin(visitor: Visitor) -> Visitor:
    """The same visitor, in another chat."""
    other = Visitor(visitor.url)
    other.cookie = visitor.cookie
    return other


def statuses(replies: Sequence[Reply]) -> dict[int, int]:
    """How many answers had each status."""
    found = [reply.status for reply in replies]
    return {status: found.count(status) for status in sorted(set(found))}
