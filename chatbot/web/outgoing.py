"""The last guard: no header and no body leaves the server with a piece of a key in it, whatever went wrong before."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from chatbot.alerts.alarm import Alarms
from chatbot.errors import Problem
from chatbot.key.watch import Listener, watch
from chatbot.web.guard import problem_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROOM = re.compile(r"(/[a-z]{1,12})(/.*)?", re.DOTALL)  # a path whose beginning may be one of ours

log = logging.getLogger("chatbot.outgoing")


class OutgoingGuard:
    """WSGI middleware around everything, error pages and static files included.

    A key that is split over chunks is found as well: what follows its first characters is not sent, and the connection
    is broken off, so that nobody takes the answer for whole.
    """

    def __init__(self, app: WSGIApplication, alarms: Alarms | None = None) -> None:
        self._app = app
        self._alarms = alarms or Alarms()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun: list[Any] = []
        body = self._app(environ, lambda *told: begun.append(told) or _no_write)  # type: ignore[func-returns-value]
        chunks, ear = iter(body), Listener(watch)
        try:
            first = next(chunks, b"")
        except BaseException:
            _close(body)
            raise
        status, headers, *error = begun[-1]
        if _tells(headers) or _hears(ear, first):
            _close(body)
            self._raise_alarm(environ)
            return problem_response(Problem())(environ, start_response)
        start_response(status, headers, *error)
        return ClosingIterator(self._guarded(first, chunks, ear, environ), getattr(body, "close", None))

    def _guarded(
        self, first: bytes, chunks: Iterator[bytes], ear: Listener, environ: WSGIEnvironment
    ) -> Iterator[bytes]:
        yield first
        for chunk in chunks:
            if _hears(ear, chunk):
                self._raise_alarm(environ)
                raise KeyLeak
            yield chunk

    def _raise_alarm(self, environ: WSGIEnvironment) -> None:
        words = f"an answer to {_asked(environ)} held a piece of a key and was not sent"
        if not self._alarms.raise_alarm("leak", "answer", words, period="hour"):
            log.error("again, %s", words)


class KeyLeak(RuntimeError):
    """A body held a piece of a key after its first bytes were sent."""


def _asked(environ: WSGIEnvironment) -> str:
    """What was asked for, in no words of the visitor's: the operator reads it in a mail."""
    method, room = environ["REQUEST_METHOD"], ROOM.fullmatch(environ.get("PATH_INFO", ""))
    return f"{method if method in METHODS else 'a request for'} {room[1] if room else 'a page'}"


def _tells(headers: list[tuple[str, str]]) -> bool:
    return any(watch.finds(f"{name}: {value}") for name, value in headers)


def _hears(ear: Listener, chunk: bytes) -> bool:
    return ear.hears(chunk.decode("latin-1"))


def _close(body: Iterable[bytes]) -> None:
    if hasattr(body, "close"):
        body.close()


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("write() would pass the guard")
