"""A connection of urllib3's that tells a call's Cut which socket it uses, and passes over hints before an answer."""

from __future__ import annotations

import http.client
import socket
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from chatbot.model.cut import current_cut

MOST_HINTS = 100


class _Answer(http.client.HTTPResponse):
    """An answer of HTTP/1.1, without the hints (102, 103, ...) that may stand before it (RFC 9110, section 15.2)."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MOST_HINTS):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.BadStatusLine("only hints")


class _Watched:
    """A connection that tells the current call's Cut which socket it uses."""

    sock: socket.socket | None
    response_class: type[http.client.HTTPResponse] = _Answer

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._tell()

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._tell()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _tell(self) -> None:
        cut = current_cut.get()
        if cut is not None and self.sock is not None:
            cut.watch(self.sock)


class PlainConnection(_Watched, HTTPConnection):
    """Over TCP alone."""


class TLSConnection(_Watched, HTTPSConnection):
    """Over TLS."""
