"""How to ask each thing that is measured for a reply, and how to tell that the reply is whole."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bench.frames import MARK


@dataclass(frozen=True)
class Target:
    """A server under test. `token`: bytes that stand once for each token; `done`: near the end of a whole reply;
    `failed`: wherever a reply failed."""

    name: str
    path: str
    token: bytes
    done: bytes
    failed: bytes

    def request(self, port: int, number: int, wish: str, cookie: str) -> bytes:
        """The bytes of one request; `number` makes it unlike any other of the run."""
        body = json.dumps(self._body(number, wish)).encode()
        headers = [
            f"POST {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Accept: text/event-stream",
            "Sec-Fetch-Site: same-origin",
            "Connection: close",
        ]
        if cookie:
            headers.append(f"Cookie: {cookie}")
        return "\r\n".join([*headers, "", ""]).encode() + body

    def _body(self, number: int, wish: str) -> dict[str, object]:
        if self.name == "app":
            part = {"type": "text", "text": wish}
            message = {"id": f"message-{number:08d}", "role": "user", "parts": [part]}
            return {"id": f"bench-{number:010d}", "messages": [message], "trigger": "submit-message"}
        if self.name == "naive":
            return {"message": wish}
        return {"model": "gpt-6-luna", "input": wish, "stream": True}


TARGETS = {
    target.name: target
    for target in (
        Target("app", "/api/chat", MARK, b"data: [DONE]", b'"type":"error"'),
        Target("naive", "/chat", MARK, b"0\r\n\r\n", b"event: error"),
        Target("direct", "/v1/responses", b'"delta":"' + MARK, b"0\r\n\r\n", b"response.failed"),
    )
}
