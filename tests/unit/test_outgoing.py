"""The last guard: an answer with a piece of a key in a header or in its body is not sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from werkzeug.test import Client

from chatbot.key.watch import watch
from chatbot.web.outgoing import KeyLeak, OutgoingGuard
from tests.fake_openai import make_key

KEY = make_key()


@pytest.fixture(autouse=True)
def _watched() -> None:
    watch.add(KEY)


class Body:
    """Chunks that remember whether they were closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self.closed, self.given = iter(chunks), False, 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self.given += 1
        return chunk

    def close(self) -> None:
        self.closed = True


def serve(body: Body, headers: list[tuple[str, str]] | None = None, status: str = "200 OK") -> Client:
    def app(_environ: Any, start_response: Any) -> Body:
        start_response(status, [("Content-Type", "text/plain"), *(headers or [])])
        return body

    return Client(OutgoingGuard(app))


def test_an_answer_without_a_key_passes_unchanged_and_as_it_comes() -> None:
    body = Body([b"one ", b"", b"two ", b"three"])
    answer = serve(body, [("X-Note", "sk-proj-...")], "207 Odd").get("/", buffered=False)
    assert (answer.status, answer.headers["X-Note"], body.given) == ("207 Odd", "sk-proj-...", 1)
    assert answer.get_data() == b"one two three"
    answer.close()
    assert body.closed


def test_an_empty_answer_passes() -> None:
    answer = serve(Body([]), status="204 No Content").get("/")
    assert (answer.status_code, answer.get_data()) == (204, b"")


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Oh"])
def test_a_body_with_the_key_is_withheld_whole(status: str, caplog: pytest.LogCaptureFixture) -> None:
    body = Body([b"before " + KEY.encode() + b" after"])
    with caplog.at_level(logging.CRITICAL):
        answer = serve(body, [("X-Kept", "no")], status).get("/here")
    assert (answer.status_code, answer.json["code"], "X-Kept" in answer.headers) == (500, "internal", False)
    assert KEY[20:40] not in answer.text and b"before" not in answer.get_data()
    assert body.closed
    assert "ALERT: an answer to GET /here held a piece of a key" in caplog.text


@pytest.mark.parametrize(
    "method,path,told",
    [
        ("GET", "/c/Call%20us%20at%20evil.example", "GET /c"),
        ("DELETE", "/api/chats/x%0AALERT", "DELETE /api"),
        ("GET", "/", "GET a page"),
        ("GET", "/evil.example", "GET a page"),
        ("GET", "/pleasevisitusatonce", "GET a page"),
        ("CALL-US", "/api/x", "a request for /api"),
    ],
)
def test_the_alert_has_no_words_of_the_visitors(
    method: str, path: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        assert serve(Body([KEY.encode()])).open(path, method=method).status_code == 500
    alerts = [record.getMessage() for record in caplog.records]
    assert len(alerts) == 2 and all(f"an answer to {told} held a piece of a key" in alert for alert in alerts)


@pytest.mark.parametrize("header", ["Location", "Set-Cookie", "X-Request-Id"])
def test_a_header_with_the_key_withholds_the_answer(header: str) -> None:
    answer = serve(Body([b"nothing"]), [(header, f"/?key={KEY}")]).get("/")
    assert answer.status_code == 500
    assert KEY[20:40] not in str(answer.headers) + answer.text


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_key_that_is_split_over_chunks_is_broken_off(size: int) -> None:
    raw = KEY.encode()
    body = Body([b"before ", *(raw[at : at + size] for at in range(0, len(raw), size)), b"after"])
    answer = serve(body).get("/", buffered=False)
    sent = b""
    with pytest.raises(KeyLeak):
        for chunk in answer.response:
            sent += chunk
    answer.close()
    assert sent.startswith(b"before ") and len(sent) < len(b"before sk-proj-") + 12
    assert body.closed


def test_write_is_refused_because_it_would_pass_the_guard() -> None:
    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(KEY.encode())
        return []

    with pytest.raises(NotImplementedError):
        Client(OutgoingGuard(app)).get("/")
