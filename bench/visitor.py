"""One visitor of a load run: a cookie, one reply at a time, and what was seen of it as bytes."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass

from bench.targets import Target

TAIL_BYTES = 64
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r\n]+)", re.IGNORECASE)


@dataclass
class Visitor:
    """`asked_at`, `byte_at` (the first byte's time) and `token_at` (the last token's) are kept by the generator; 0.0
    before they come."""

    cookie: str = ""
    sock: socket.socket | None = None
    outbox: bytes = b""
    tokens: int = 0
    failed: str = ""
    asked_at: float = 0.0
    byte_at: float = 0.0
    token_at: float = 0.0
    _head: bytes | None = b""
    _tail: bytes = b""

    def ask(self, request: bytes, now: float) -> socket.socket:
        """Forgets the last reply; gives the new socket, not yet connected."""
        self.outbox, self.tokens, self.failed = request, 0, ""
        self.asked_at, self.byte_at, self.token_at = now, 0.0, 0.0
        self._head, self._tail = b"", b""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.sock

    def take(self, data: bytes, target: Target) -> int:
        """Takes what arrived; gives the number of tokens in it."""
        if self._head is not None:
            data = self._take_head(data)
        whole = self._tail + data
        if target.failed in whole:
            self.failed = "an error in the stream"
        new = whole.count(target.token) - self._tail.count(target.token)
        self._tail = whole[-TAIL_BYTES:]
        self.tokens += new
        return new

    def verdict(self, target: Target, tokens: int) -> str:
        """Why the reply that has ended is not whole; empty when it is."""
        if self.failed:
            return self.failed
        if target.done not in self._tail:
            return "the end is missing"
        return "" if self.tokens == tokens else f"{self.tokens} tokens of {tokens}"

    def close(self) -> None:
        if self.sock:
            with contextlib.suppress(OSError):
                self.sock.close()

    def _take_head(self, data: bytes) -> bytes:
        """Reads the status and the cookie; returns what belongs to the body."""
        assert self._head is not None
        head, found, body = (self._head + data).partition(b"\r\n\r\n")
        if not found:
            self._head = head
            return b""
        self._head = None
        status = head.split(b" ", 2)[1].decode()
        if status != "200":
            self.failed = f"status {status} {body[-120:]!r}"
        if not self.cookie and (cookie := _COOKIE.search(head)):
            self.cookie = cookie[1].decode()
        return body
