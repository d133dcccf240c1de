"""Compresses pages, scripts and style sheets on their way out; outside the last guard, which must see plain text.

Never a stream, which would be held back, and never what is private (`no-store`, the API): the length of compressed
text tells of secrets in it when somebody else chooses a part of it (BREACH).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KINDS = ("text/html", "text/css", "text/javascript", "image/svg+xml", "application/manifest+json")


class Compression:
    """WSGI middleware."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun: list[Any] = []
        body = self._app(environ, lambda *told: begun.append(told) or _no_write)  # type: ignore[func-returns-value]
        status, listed, *error = begun[-1]
        headers = Headers(listed)
        kind, unchanged = headers.get("Content-Type", "").partition(";")[0], status.startswith("304")
        if (kind in KINDS or unchanged) and "no-store" not in headers.get("Cache-Control", ""):
            headers.add("Vary", "Accept-Encoding")
            has_body = environ["REQUEST_METHOD"] != "HEAD" and not unchanged
            if has_body and parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"))["gzip"] > 0:
                body = [_packed(body, keep=kind != "text/html")]
                headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(body[0]))
        start_response(status, list(headers), *error)
        return body


def _packed(body: Iterable[bytes], *, keep: bool) -> bytes:
    try:
        whole = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return _kept(whole) if keep else gzip.compress(whole, 6, mtime=0)


@lru_cache(maxsize=512)
def _kept(whole: bytes) -> bytes:
    """Files are the same for everybody: each is compressed once, as well as it can be."""
    return gzip.compress(whole, 9, mtime=0)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("the guard within has no write() either")
