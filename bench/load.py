"""The load generator: one epoll loop that opens streams, counts tokens as bytes, and notes times.

`python -m bench.load '{"target": "app", "port": 8000, "streams": 100, ...}'` prints the result as JSON. The fields are
those of `Load`. Every stream is a visitor with a cookie of its own; a stream that ends starts again.
"""

from __future__ import annotations

import errno
import json
import select
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from bench.tally import Tally
from bench.targets import TARGETS
from bench.visitor import Visitor

READ_BYTES = 262_144
DRAIN_S = 20
"""How long replies under way may take to end after the window."""


@dataclass
class Load:
    """What to do. Streams start evenly over `ramp` seconds; the window opens `warm` seconds later for `seconds`.

    With `replies` there is no window: that many replies in all. `pids`: processes whose CPU and memory are noted.
    Without `restart` each stream is one reply, and the times to first token count from the start: with as many
    `replies` as `streams` that is an open loop, which asks at its own pace, however slow the answers are.
    """

    target: str
    port: int
    streams: int
    tokens: int = 200
    rate: float = 50
    ramp: float = 0.0
    warm: float = 0.0
    seconds: float = 5.0
    replies: int = 0
    restart: bool = True
    pids: dict[str, int] = field(default_factory=dict)


class Generator:
    """Runs one `Load`."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._target = TARGETS[load.target]
        self._wish = f"bench {load.tokens} {load.rate:g}"
        self._epoll = select.epoll()
        self._by_fd: dict[int, Visitor] = {}
        self._number = int(time.time() * 10) % 10_000_000 * 1000
        self._begun = self._asked = 0
        self._restarts = load.restart
        self._tally = Tally(load.pids)

    def run(self) -> dict[str, Any]:
        load = self._load
        if load.replies:
            self._run_replies()
        else:
            self._run_window()
        self._restarts = False
        until = time.monotonic() + DRAIN_S + load.tokens / load.rate
        while self._by_fd and time.monotonic() < until:
            self._poll(0.01)
        for visitor in list(self._by_fd.values()):
            self._end(visitor, "not ended in time")
        return self._tally.result(load.streams * load.rate)

    def _run_window(self) -> None:
        load = self._load
        started = time.monotonic()
        opens = started + load.ramp + load.warm
        closes = opens + load.seconds
        while (now := time.monotonic()) < closes:
            self._open_due(started)
            if now >= opens and not self._tally.open:
                self._tally.begin()
            self._poll(0.002 if self._begun < load.streams else 0.01)
        self._tally.finish()

    def _run_replies(self) -> None:
        load = self._load
        self._tally.begin()
        started = time.monotonic()
        until = started + DRAIN_S + load.replies
        while self._tally.ended < load.replies and time.monotonic() < until:
            self._open_due(started)
            self._poll(0.002 if self._begun < load.streams else 0.01)
        self._tally.finish()

    def _open_due(self, started: float) -> None:
        load = self._load
        while self._begun < load.streams and time.monotonic() >= started + load.ramp * self._begun / load.streams:
            self._begun += 1
            self._open(Visitor())

    def _poll(self, seconds: float) -> None:
        for fd, event in self._epoll.poll(seconds):
            self._handle(self._by_fd[fd], event)

    def _open(self, visitor: Visitor) -> None:
        load = self._load
        if load.replies and self._asked >= load.replies:
            return
        self._asked += 1
        self._number += 1
        request = self._target.request(load.port, self._number, self._wish, visitor.cookie)
        sock = visitor.ask(request, time.monotonic())
        code = sock.connect_ex(("127.0.0.1", load.port))
        self._by_fd[sock.fileno()] = visitor
        self._epoll.register(sock, select.EPOLLOUT)
        self._tally.peak = max(self._tally.peak, len(self._by_fd))
        if code not in (0, errno.EINPROGRESS):
            self._end(visitor, errno.errorcode[code])

    def _handle(self, visitor: Visitor, event: int) -> None:
        sock = visitor.sock
        assert sock is not None
        try:
            if event & select.EPOLLOUT and visitor.outbox:
                visitor.outbox = visitor.outbox[sock.send(visitor.outbox) :]
                if not visitor.outbox:
                    self._epoll.modify(sock, select.EPOLLIN)
                return
            data = sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(visitor, type(error).__name__)
            return
        if not data:
            self._end(visitor)
            return
        if not visitor.byte_at:
            visitor.byte_at = time.monotonic()
        if tokens := visitor.take(data, self._target):
            self._note(visitor, tokens)

    def _note(self, visitor: Visitor, tokens: int) -> None:
        now, tally = time.monotonic(), self._tally
        if tally.open:
            tally.tokens += tokens
        if visitor.token_at:
            if tally.open:
                tally.gaps.append(now - visitor.token_at)
        elif tally.open or not self._load.restart:
            tally.first.append(now - visitor.asked_at)
        visitor.token_at = now

    def _end(self, visitor: Visitor, why: str = "") -> None:
        assert visitor.sock is not None
        fd = visitor.sock.fileno()
        self._epoll.unregister(fd)
        del self._by_fd[fd]
        visitor.close()
        if why := why or visitor.verdict(self._target, self._load.tokens):
            self._tally.failures[why] += 1
        elif self._tally.open:
            self._tally.byte.append(visitor.byte_at - visitor.asked_at)
            self._tally.whole.append(time.monotonic() - visitor.asked_at)
        self._tally.ended += 1
        if self._restarts:
            self._open(visitor)


if __name__ == "__main__":
    print(json.dumps(Generator(Load(**json.loads(sys.argv[1]))).run()), flush=True)
