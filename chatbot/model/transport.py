"""The wire to the upstream: a small httpx2 transport over urllib3, a fifth of the default one's CPU per read.

The SDK above it keeps authentication, time-outs and errors.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from chatbot.key.credential import Key, in_use
from chatbot.key.watch import watch
from chatbot.model.connection import PlainConnection, TLSConnection
from chatbot.model.cut import current_cut

POOL_SIZE = 1000  # idle connections that are kept
READ_BYTES = 65_536
TICKETS_S = 0.3
NO_RETRIES = urllib3.Retry(False, redirect=False)
MAX_LINE_BYTES = 1024
MAX_ERROR_BYTES, MAX_ERROR_S = 65_536, 10  # of an error's body, which the SDK reads whole


class Urllib3Transport(httpx2.BaseTransport):
    """One pool of connections to one server. Follows no redirect, retries nothing, believes no proxy variable."""

    def __init__(self, base_url: str) -> None:
        self._pool = urllib3.connection_from_url(base_url, maxsize=POOL_SIZE, block=False)
        self._pool.ConnectionCls = TLSConnection if base_url.startswith("https:") else PlainConnection

    def warm_up(self, timeout_s: float) -> None:
        """Open one connection, so that the first call finds it ready; give up quietly where that fails."""
        connection: Any = self._pool._get_conn()
        connection.timeout, is_ready = timeout_s, False
        try:
            connection.connect()
            connection.sock.settimeout(TICKETS_S)
            connection.sock.recv(1)  # TLS tickets come unasked; unread, they make the connection look dropped
        except TimeoutError:  # as it should: there was nothing else to read
            is_ready = True
        except (HTTPError, OSError):
            pass
        if not is_ready:
            connection.close()
        self._pool._put_conn(connection if is_ready else None)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        timeout = request.extensions.get("timeout", {})
        try:
            response = self._pool.urlopen(
                request.method,
                request.url.raw_path.decode("ascii"),
                body=request.read(),
                headers=_headers(request),
                timeout=urllib3.Timeout(connect=timeout.get("connect"), read=timeout.get("read")),
                retries=NO_RETRIES,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, OSError) as error:
            raise _translated(error, request) from None
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
        if response.status >= 400:  # its body is decoded below
            headers = [each for each in headers if each[0].lower() != b"content-encoding"]
        return httpx2.Response(response.status, headers=headers, stream=_Body(response, request), request=request)

    def close(self) -> None:
        self._pool.close()


def _headers(request: httpx2.Request) -> urllib3.HTTPHeaderDict:
    """The SDK's headers, with the key put on: only here, and never in the request that an exception could show."""
    headers = urllib3.HTTPHeaderDict(request.headers.multi_items())
    credential = in_use.get()
    if isinstance(credential, Key):
        headers["Authorization"] = f"Bearer {credential.reveal()}"
    elif credential is not None:
        watch.add(headers.get("Authorization", "").removeprefix("Bearer "), passing=True)  # an identity's token
    return headers


class _Body(httpx2.SyncByteStream):
    """The body as it arrives: all that is there at each read, however many chunks the server made of it."""

    def __init__(self, response: Any, request: httpx2.Request) -> None:
        self._response = response
        self._request = request
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            if self._response.status >= 400:
                yield from self._error()
            else:
                yield from self._dechunked() if self._response.chunked else self._plain()
        except (HTTPError, OSError, ValueError) as error:
            raise _translated(error, self._request) from None

    def _error(self) -> Iterator[bytes]:
        """An error's body as far as it comes and can be read: the status says more."""
        until, left = time.monotonic() + MAX_ERROR_S, MAX_ERROR_BYTES
        if cut := current_cut.get():
            cut.hurry(MAX_ERROR_S)
        with suppress(HTTPError, OSError, ValueError):
            while data := self._response.read1(READ_BYTES, decode_content=True):
                yield data
                left -= len(data)
                if left < 0 or time.monotonic() > until:
                    return
            self._is_whole = True

    def _plain(self) -> Iterator[bytes]:
        while data := self._response.read1(READ_BYTES):
            yield data
        self._is_whole = True

    def _dechunked(self) -> Iterator[bytes]:
        """RFC 9112, section 7.1, without http.client's read for every chunk: a chunk is one token, often."""
        source, left, rest = self._response._original_response.fp, 0, b""
        while data := source.read1(READ_BYTES):
            payload = []
            data, rest = rest + data, b""
            while data:
                if left:
                    payload.append(data[:left])
                    data, left = data[left:], max(0, left - len(data))
                    continue
                line, found, after = data.partition(b"\r\n")
                if not found and len(data) < MAX_LINE_BYTES:
                    rest, data = data, b""
                elif line:  # a chunk's size; an empty line ends a chunk
                    left = int(line.split(b";")[0], 16)
                    if left < 0:
                        raise ProtocolError("a chunk of less than nothing")
                    if left == 0:
                        self._is_whole = after == b"\r\n"
                        yield b"".join(payload)
                        return
                data = after
            if payload:
                yield b"".join(payload)
        raise ProtocolError("the body ended early")

    def close(self) -> None:
        """Give the connection back if all was read; close it otherwise."""
        if self._is_whole:
            self._response._original_response.close()
            self._response.release_conn()
        else:
            self._response.close()


def _translated(error: Exception, request: httpx2.Request) -> httpx2.TransportError:
    """httpx2's error for one of urllib3's, without its text: that may quote what was sent."""
    shown = error.args[0] if error.args and isinstance(error.args[0], ssl.SSLCertVerificationError) else error
    name = type(shown).__name__
    if isinstance(error, (NewConnectionError, SSLError, socket.gaierror, ConnectionRefusedError)):
        return httpx2.ConnectError(name, request=request)
    if isinstance(error, (Urllib3Timeout, TimeoutError)):
        return httpx2.ReadTimeout(name, request=request)
    return httpx2.ReadError(name, request=request)
