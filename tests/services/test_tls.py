"""The key goes out over TLS only to who can prove its name; a stream over TLS is relayed and stopped as any other."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Served, needed, wait_for
from tests.fake_openai import FakeOpenAI


class TlsFront:
    """A TLS end in front of a plain server: decrypts, and passes bytes on both ways."""

    def __init__(self, certificate: Path, key: Path, behind: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._context, self._behind, self.connections = context, behind, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(plain,), daemon=True).start()

    def _join(self, plain: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as outer:
            self.connections += 1
            with socket.create_connection(("127.0.0.1", self._behind)) as inner:
                back = threading.Thread(target=_pass_on, args=(inner, outer), daemon=True)
                back.start()
                _pass_on(outer, inner)
                back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for `localhost`, which is its own authority, and its key."""
    openssl = needed(shutil.which("openssl"), "openssl")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def front(certificate: tuple[Path, Path], fake: FakeOpenAI) -> Iterator[TlsFront]:
    front = TlsFront(*certificate, fake.port)
    yield front
    front.close()


def settings(fake: FakeOpenAI, front: TlsFront) -> dict[str, str]:
    url = f"https://localhost:{front.port}/v1"
    return {**fake.env, "OPENAI_BASE_URL": url, "OPENAI_TRUSTED_HOSTS": "localhost"}


@pytest.mark.alone
def test_a_stream_over_tls_is_relayed_on_one_connection_and_stopped_within_a_second(
    serve: Callable[..., Served], fake: FakeOpenAI, front: TlsFront, certificate: tuple[Path, Path]
) -> None:
    visitor = serve(**settings(fake, front), SSL_CERT_FILE=certificate[0]).visitor()
    assert [visitor.say("[fake: tokens 5]").text for _ in range(3)] == ["tok " * 5] * 3
    assert front.connections == 1
    response = visitor.post(visitor.body("[fake: tokens 500; delay 20]"))
    while b"text-delta" not in response.readline():
        pass
    stopped = time.time()
    assert visitor.stop().status == 202
    assert b"abort" in response.read()
    wait_for(lambda: fake.calls[-1].closed_at is not None, what="the upstream's end")
    assert time.time() - stopped < 1.5


def test_a_server_that_cannot_prove_its_name_gets_nothing(
    serve: Callable[..., Served], fake: FakeOpenAI, front: TlsFront
) -> None:
    served = serve(**settings(fake, front))
    reply = served.visitor().say("Hello")
    assert (reply.status, reply.problem["code"]) == (503, "busy")
    assert not fake.requests
    told = ("cost=$0.000000", "SSLCertVerificationError")
    wait_for(lambda: all(each in served.log for each in told), what="nothing was sent")
