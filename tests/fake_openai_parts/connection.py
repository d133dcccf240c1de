"""One client connection, byte by byte: reads requests, writes answers, cuts, stalls, and sees the client leave."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

MAX_BODY = 64 * 1024 * 1024


class ClientGone(Exception):
    """The client closed its end, or reset the connection, before the answer was over."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """A socket that speaks just enough HTTP/1.1, and breaks it on demand."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._file = sock.makefile("rb")
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        self.chunked = False
        self.reusable = True

    def read(self) -> Request | None:
        """The next request, or None when the client is done. Raises ClientGone in the middle of one."""
        try:
            line = self._file.readline(65_536)
            if not line.strip():
                return None
            method, path, _ = line.decode("latin-1").split(" ", 2)
            headers: dict[str, str] = {}
            while (line := self._file.readline(65_536)) not in (b"\r\n", b"\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if headers.get("transfer-encoding", "").lower() == "chunked":
                return Request(method, path, headers, self._read_chunks())
            length = min(int(headers.get("content-length", 0)), MAX_BODY)
            return Request(method, path, headers, self._file.read(length))
        except (OSError, ValueError) as error:
            raise ClientGone from error

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self._file.readline(100).split(b";")[0], 16):
            body += self._file.read(size)
            self._file.readline(100)
        self._file.readline(100)
        return body

    def send(self, data: bytes) -> None:
        """Raises ClientGone when nobody is there to read."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ClientGone from error

    def head(self, status: int, headers: dict[str, str], length: int | None) -> None:
        """The status line and headers; with length None the body comes in chunks."""
        self.chunked = length is None
        size = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
        lines = [f"HTTP/1.1 {status} Fake", *(f"{name}: {value}" for name, value in {**headers, **size}.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.head(status, headers, len(body))
        self.send(body)

    def answer_json(self, status: int, value: Any) -> None:
        self.answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def body(self, data: bytes) -> None:
        """A part of a chunked body, as one write."""
        if data:
            self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def end_body(self) -> None:
        if self.chunked:
            self.send(b"0\r\n\r\n")
            self.chunked = False

    def pause(self, seconds: float) -> None:
        """Waits, and raises ClientGone as soon as the client leaves; with 0 it only looks."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if self._poll.poll(max(0.0, left) * 1000) and self._has_left():
                raise ClientGone
            if left <= 0:
                return
            time.sleep(min(0.001, max(0.0, left)))

    def _has_left(self) -> bool:
        try:
            return self._socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def reset(self) -> None:
        """Closes with RST: what was not read yet is lost on the other side too."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Closes with FIN."""
        self.reusable = False
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._socket.close()

    def wake(self) -> None:
        """Ends whatever waits on this connection; called from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
