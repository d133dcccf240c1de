"""Whoever is slow, a client or another writer of the database, holds up nobody else."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.conftest import ROOT, Served


def test_a_lock_on_the_sqlite_file_does_not_stop_the_worker(serve: Callable[..., Served]) -> None:
    served = serve()
    visitor = served.visitor()
    assert visitor.get("/api/me").status == 200
    other = sqlite3.connect(served.database.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=visitor.say, args=("Hello",))
    waiting.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert served.visitor().get("/healthz").status == 200
    assert time.monotonic() - began < 1
    other.execute("ROLLBACK")
    other.close()
    waiting.join(10)
    assert visitor.stored()["messages"]


def test_a_body_that_does_not_come_ends_its_connection(serve: Callable[..., Served]) -> None:
    address = urlsplit(serve().url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=50) as client:
        client.sendall(b"POST /api/chat HTTP/1.1\r\nHost: chat\r\nContent-Length: 1000\r\n\r\n{")
        began = time.monotonic()
        while client.recv(65_536):
            pass
    assert time.monotonic() - began < idle_s() + 10


def idle_s() -> int:
    line = next(line for line in (ROOT / "gunicorn.conf.py").read_text().splitlines() if line.startswith("IDLE_S"))
    return int(line.split()[2])
