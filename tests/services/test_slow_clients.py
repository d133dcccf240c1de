"""Whoever is slow, a client or another writer of the database, holds up nobody else."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.conftest import ROOT, Served, wait_for
from tests.fake_openai import FakeOpenAI
from tests.visitor import Visitor, new_id

LONG_CHARS = 4_800_000  # more than the system takes for a connection that nobody reads
DEAF = 2
IDLE_S = 12  # instead of half a minute
IN_A_HURRY = """
import runpy
conf = runpy.run_path({conf!r})
conf["Worker"].handle_request.__globals__["IDLE_S"] = {idle_s}
globals().update({{name: value for name, value in conf.items() if not name.startswith("__")}})
"""


def test_a_lock_on_the_sqlite_file_does_not_stop_the_worker(serve: Callable[..., Served]) -> None:
    served = serve()
    visitor = served.visitor()
    assert visitor.get("/api/me").status == 200
    other = sqlite3.connect(served.database.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=visitor.say, args=("Hello",))
    waiting.start()
    time.sleep(0.3)
    assert served.visitor().get("/healthz").status == 200
    other.execute("ROLLBACK")
    other.close()
    waiting.join(60)
    assert visitor.stored()["messages"], "it waits for five seconds, and nobody was answered before these were over"


def test_clients_that_neither_send_nor_read_are_cut_off_and_hold_up_nobody(
    serve: Callable[..., Served], fake: FakeOpenAI, tmp_path: Path
) -> None:
    conf = tmp_path / "conf.py"
    fake.default_text = ("x" * (LONG_CHARS // 60 - 1) + " ") * 60
    conf.write_text(IN_A_HURRY.format(conf=str(ROOT / "gunicorn.conf.py"), idle_s=IDLE_S))
    served = serve(**fake.env, MAX_OUTPUT_TOKENS="200000", GUNICORN_CMD_ARGS=f"-c {conf}")
    asking = served.visitor()
    assert asking.get("/api/me").status == 200
    (worker,) = (psutil.Process(pid) for pid in served.workers())
    before = worker.memory_info().rss
    bodies = [asking.body("Tell me all", id=new_id()) for _ in range(DEAF)]
    with ExitStack() as clients:
        deaf = [clients.enter_context(connect(served, request(asking, json.dumps(body)))) for body in bodies]
        mute = clients.enter_context(connect(served, request(asking, "{", length=1000)))
        wait_for(lambda: all(ended(asking, body["id"]) for body in bodies), 180, "answers that nobody takes are made")
        fake.default_text = "Quick"
        asked = time.monotonic()
        assert served.visitor().say("Hello").text == "Quick"
        assert time.monotonic() - asked < IDLE_S - 2
        assert worker.memory_info().rss - before < DEAF * 20 * LONG_CHARS
        read_to_end(mute)
        ports = {client.getsockname()[1] for client in deaf}
        wait_for(lambda: not ports & {each.raddr.port for each in worker.net_connections() if each.raddr}, 60)
        assert all(read_to_end(client) < LONG_CHARS for client in deaf), "what was not taken in time is not sent"


def request(visitor: Visitor, body: str, length: int | None = None) -> str:
    """A message as it goes over the wire; `length` of the body may be a lie."""
    head = ("POST /api/chat HTTP/1.1", "Host: localhost", f"Cookie: {visitor.cookie}")
    return "\r\n".join([*head, f"Content-Length: {length or len(body)}", "", body])


def connect(served: Served, said: str) -> socket.socket:
    """A connection that has little room for what it does not read."""
    address = urlsplit(served.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(IDLE_S + 60)
    client.connect((str(address.hostname), address.port or 0))
    client.sendall(said.encode())
    return client


def ended(visitor: Visitor, chat: str) -> bool:
    """Is the answer stored whole?"""
    answer = visitor.get(f"/api/chats/{chat}")
    if answer.status != 200 or answer.json()["live"]:
        return False
    (text,) = answer.json()["messages"][-1]["parts"]
    return len(text["text"]) == LONG_CHARS


def read_to_end(client: socket.socket) -> int:
    """How many bytes still come until the server closes the connection."""
    count = 0
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            count += len(piece)
    return count
