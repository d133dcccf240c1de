"""Where alerts arrive in tests: a real HTTP server on loopback, for Apprise's json:// addresses."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink:
    """Keeps each message in `got`. `plan`: how the next requests go: a status, or "hang"; then all are taken."""

    def __init__(self, *plan: int | str) -> None:
        self.got: list[dict[str, Any]] = []
        self.plan = list(plan)
        self.calls = 0
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str = "", query: str = "") -> str:
        return f"json://127.0.0.1:{self.port}/{path}{query}"

    @property
    def messages(self) -> list[str]:
        return [str(message["message"]) for message in self.got]

    def __enter__(self) -> Sink:
        return self

    def release(self) -> None:
        """Let those that hang end, with no answer."""
        self._over.set()

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.calls += 1
                status = sink.plan.pop(0) if sink.plan else 200
                if status == "hang":
                    sink._over.wait(60)
                    return
                if status == 200:
                    sink.got.append(body)
                self.send_response(int(status))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
