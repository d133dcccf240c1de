"""A mock of OpenAI's streaming that is no bottleneck: one epoll loop, frames made beforehand, a wheel of milliseconds.

A message that holds `bench TOKENS RATE` gets that many tokens, RATE a second, the first at once.
"""

from __future__ import annotations

import re
import select
import socket
import sys
import time

from bench import frames

SLOTS = 8_192  # milliseconds; the longest time between two tokens
READ_BYTES = 65_536
_WISH = re.compile(rb"bench (\d+) (\d+(?:\.\d+)?)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Stream:
    """One client connection and the reply under way on it."""

    __slots__ = ("closes", "count", "frames", "inbox", "kind", "pending", "period", "position", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.inbox = b""
        self.pending = b""
        self.kind = ""
        self.closes = False
        self.frames: list[bytes] = []
        self.position = self.count = self.period = 0


class Upstream:
    """The loop. Bounded: it ends with its parent's signal, and holds no more than what clients ask for."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._streams: dict[int, Stream] = {}
        self._wheel: list[list[Stream]] = [[] for _ in range(SLOTS)]
        self._tick = self._now()
        self._busy = 0

    def run(self) -> None:
        while True:
            for fd, event in self._epoll.poll(0.001 if self._busy else 0.05):
                if fd == self._listener.fileno():
                    self._accept()
                elif stream := self._streams.get(fd):
                    if event & select.EPOLLOUT:
                        self._send(stream, b"")
                    if event & ~select.EPOLLOUT:
                        self._receive(stream)
            now = self._now()
            while self._tick < now:
                self._tick += 1
                slot = self._tick % SLOTS
                due = self._wheel[slot]
                if due:
                    self._wheel[slot] = []
                    for stream in due:
                        self._next_token(stream)

    @staticmethod
    def _now() -> int:
        return time.monotonic_ns() // 1_000_000

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._streams[sock.fileno()] = Stream(sock)
            self._epoll.register(sock, select.EPOLLIN)

    def _receive(self, stream: Stream) -> None:
        try:
            data = stream.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(stream)
            return
        stream.inbox += data
        head, found, body = stream.inbox.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if found and len(body) >= (int(length[1]) if length else 0):
            stream.inbox = b""
            self._begin(stream, head, body)

    def _begin(self, stream: Stream, head: bytes, body: bytes) -> None:
        wishes = _WISH.findall(body) or [(b"20", b"50")]
        count, rate = int(wishes[-1][0]), float(wishes[-1][1])
        stream.closes = b"\r\nConnection: close" in head
        stream.kind = "chat" if b"/chat/completions" in head.partition(b"\r\n")[0] else "responses"
        stream.frames = frames.tokens(stream.kind)
        stream.position, stream.count = 0, max(1, min(count, frames.MAX_TOKENS))
        stream.period = max(1, min(SLOTS - 1, round(1000 / rate)))
        self._busy += 1
        self._send(stream, frames.opening(stream.kind))
        self._next_token(stream)

    def _next_token(self, stream: Stream) -> None:
        """Sends the token that is due and books the next, or ends the reply."""
        if stream.sock.fileno() < 0:
            return
        frame = stream.frames[stream.position]
        stream.position += 1
        if stream.position < stream.count:
            self._wheel[(self._tick + stream.period) % SLOTS].append(stream)
        else:
            frame += frames.closing(stream.kind, stream.count)
            stream.count = 0
            self._busy -= 1
        if stream.pending:
            stream.pending += frame
            return
        try:
            sent = stream.sock.send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(stream)
            return
        if sent < len(frame):
            self._hold(stream, frame[sent:])
        elif stream.closes and not stream.count:
            self._close(stream)

    def _send(self, stream: Stream, data: bytes) -> None:
        data = stream.pending + data
        try:
            sent = stream.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(stream)
            return
        if sent < len(data):
            self._hold(stream, data[sent:])
        elif stream.pending:
            stream.pending = b""
            self._epoll.modify(stream.sock, select.EPOLLIN)
            if stream.closes and not stream.count:
                self._close(stream)

    def _hold(self, stream: Stream, data: bytes) -> None:
        """The client does not read fast enough: keeps `data` until it does."""
        stream.pending = data
        self._epoll.modify(stream.sock, select.EPOLLIN | select.EPOLLOUT)

    def _close(self, stream: Stream) -> None:
        fd = stream.sock.fileno()
        if fd < 0:
            return
        if stream.count:
            stream.count = 0
            self._busy -= 1
        self._epoll.unregister(fd)
        del self._streams[fd]
        stream.sock.close()


if __name__ == "__main__":
    upstream = Upstream(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for kind in ("responses", "chat"):
        frames.tokens(kind)
    print(upstream.port, flush=True)
    upstream.run()
