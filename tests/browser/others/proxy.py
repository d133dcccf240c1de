"""A proxy that lets nothing out: it hears what a browser asks of other machines, and closes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Proxy:
    """`asked`: the first line of every request, as `CONNECT evil.example:443 HTTP/1.1`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(2)
                    self.asked.append(connection.recv(4096).split(b"\r\n")[0].decode(errors="replace"))
