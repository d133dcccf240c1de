"""The transport: connections are kept and cut, chunks are undone wherever they are split."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from chatbot.errors import Busy
from chatbot.key.ring import Ring
from chatbot.model import reply as arriving
from chatbot.model import transport
from chatbot.model.client import Client
from chatbot.model.cut import Cut, current_cut
from chatbot.model.events import Call, End, Usage
from chatbot.model.faults import QuotaSpent
from chatbot.model.transport import MAX_ERROR_BYTES, READ_BYTES, Urllib3Transport

CALL = Call("any", "none", [("user", "Hi")], 64, "none", "none")
DELTA = b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n'
DONE = b'data: {"type":"response.completed","response":{"status":"completed"}}\n\n'
LONG_S = 120  # nobody waits for so long
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    """Answers every request of every connection with the same pieces, each sent by itself; the third and those after it
    once it may `go_on`. After so many `times` it closes the connection."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.01, times: int = 1000) -> None:
        self.pieces, self.pause_s, self.times, self.connections = pieces, pause_s, times, 0
        self.go_on = threading.Event()
        self.go_on.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in [self._listener, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            for _ in range(self.times):
                if not self._read_request(connection):
                    return
                for number, piece in enumerate(self.pieces):
                    if number == 2:
                        self.go_on.wait(LONG_S)
                    connection.sendall(piece)
                    time.sleep(self.pause_s)
            connection.shutdown(socket.SHUT_RDWR)

    def _read_request(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(65_536)):
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65_536)
        return True


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bytes of a reply may take long to come, where the machine is busy."""
    monkeypatch.setattr(arriving, "DRAIN_S", LONG_S)


def client_of(server: Server) -> Client:
    return Client(server.url, "responses", Ring(), Urllib3Transport(server.url), silence_s=LONG_S)


def say(client: Client) -> str:
    with closing(client.open(CALL, Cut())) as reply:
        batches = list(reply)
    assert batches[-1].problem is None, batches[-1].problem
    return "".join(batch.text for batch in batches)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("tail", [(DONE_CHUNK := chunk(DONE), b"0\r\n\r\n"), (DONE_CHUNK + b"0\r\n\r\n",)])
def test_calls_after_good_ends_share_one_connection(servers: list[Server], tail: tuple[bytes, ...]) -> None:
    servers.append(server := Server(HEAD, chunk(DELTA), *tail))
    client = client_of(server)
    client.warm_up()
    assert [say(client) for _ in range(3)] == ["Hi"] * 3
    assert server.connections == 1


def test_a_connection_whose_reply_was_cut_is_not_used_again(servers: list[Server]) -> None:
    servers.append(server := Server(HEAD, chunk(DELTA), chunk(DONE), b"0\r\n\r\n"))
    server.go_on.clear()
    client, cut = client_of(server), Cut()
    with closing(client.open(CALL, cut)) as reply:
        assert next(iter(reply)).text == "Hi"
        cut.pull()
    server.go_on.set()
    assert say(client) == "Hi"
    assert server.connections == 2


def test_a_cut_wakes_a_call_that_waits_for_its_first_byte(servers: list[Server]) -> None:
    servers.append(server := Server(b"", pause_s=LONG_S))
    cut = Cut()
    threading.Timer(0.2, cut.pull).start()
    began = time.monotonic()
    with pytest.raises(Exception, match=r"busy|broken"):
        client_of(server).open(CALL, cut)
    assert time.monotonic() - began < LONG_S / 2


def test_a_body_is_the_same_wherever_its_bytes_are_split(servers: list[Server]) -> None:
    body = b"".join(chunk(bytes([65 + number]) * (number * 7 + 1)) for number in range(12)) + b"0\r\n\r\n"
    whole = b"".join(bytes([65 + number]) * (number * 7 + 1) for number in range(12))
    for size in (1, 2, 3, 5, 17, 1000):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        servers.append(server := Server(HEAD, *pieces, pause_s=0 if size < 17 else 0.001))
        with httpx2.Client(transport=Urllib3Transport(server.url)) as http, http.stream("GET", server.url) as response:
            assert b"".join(response.iter_raw()) == whole


@pytest.mark.parametrize("damage", [b"zz\r\nHi\r\n", b"5\r\nHi", b"-1\r\nHi\r\n"])
def test_a_damaged_body_is_a_transport_error(servers: list[Server], damage: bytes) -> None:
    servers.append(server := Server(HEAD + damage + b"0\r\n\r\n", pause_s=0))
    with httpx2.Client(transport=Urllib3Transport(server.url), timeout=1) as http:  # noqa: SIM117
        with pytest.raises(httpx2.TransportError), http.stream("GET", server.url) as response:
            list(response.iter_raw())


@pytest.mark.parametrize("chunked", [False, True])
def test_of_an_errors_body_no_more_is_read_than_anybody_needs(servers: list[Server], chunked: bool) -> None:
    piece = b"x" * READ_BYTES
    head = HEAD.replace(b"200 OK", b"500 Oh") if chunked else b"HTTP/1.1 500 Oh\r\n\r\n"
    servers.append(server := Server(head, *[chunk(piece) if chunked else piece] * 200, pause_s=0))
    with httpx2.Client(transport=Urllib3Transport(server.url)) as http:
        assert MAX_ERROR_BYTES < len(http.get(server.url).content) <= MAX_ERROR_BYTES + READ_BYTES


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 900\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"Content-Encoding: gzip\r\n\r\nno gzip",
    ],
    ids=["cut", "cut chunk", "no gzip"],
)
def test_an_errors_status_is_heard_though_its_body_is_broken(servers: list[Server], rest: bytes) -> None:
    servers.append(server := Server(b"HTTP/1.1 429 No\r\nConnection: close\r\n" + rest, times=1))
    with pytest.raises(Busy, match="over the rate limit"):
        client_of(server).open(CALL, Cut())


def test_an_errors_body_that_does_not_come_is_not_waited_for(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_ERROR_S", 0.2)
    servers.append(server := Server(b"HTTP/1.1 503 No\r\nContent-Length: 900\r\n\r\n", b"{", b"}"))
    server.go_on.clear()
    with pytest.raises(Busy, match="an error on OpenAI's side"):
        client_of(server).open(CALL, Cut())
    server.go_on.set()


def test_an_errors_body_is_read_though_it_is_packed(servers: list[Server]) -> None:
    body = gzip.compress(b'{"error": {"code": "insufficient_quota"}}')
    head = b"HTTP/1.1 429 No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    servers.append(server := Server(head + body))
    with pytest.raises(QuotaSpent):
        client_of(server).open(CALL, Cut())


@pytest.mark.parametrize("hints", [1, 3])
def test_a_hint_before_an_answer_is_no_answer(servers: list[Server], hints: int) -> None:
    """Taken for one it would leave the answer in the connection, to be the next visitor's."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" * hints
    servers.append(server := Server(hint, HEAD, chunk(DELTA), chunk(DONE) + b"0\r\n\r\n"))
    client = client_of(server)
    assert [say(client), say(client)] == ["Hi", "Hi"]


@pytest.mark.parametrize("hint", [b"101 Switching Protocols", b"103 Early Hints"])
def test_hints_without_end_and_another_protocol_are_errors(servers: list[Server], hint: bytes) -> None:
    servers.append(server := Server(b"HTTP/1.1 %s\r\n\r\n" % hint * 200, times=1))
    with pytest.raises(Busy, match="no connection"):
        client_of(server).open(CALL, Cut())


@pytest.mark.usefixtures("patient")
def test_a_header_of_any_bytes_harms_no_answer(servers: list[Server]) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nX-Region: K\xf6ln\r\n\r\n")
    servers.append(server := Server(head, chunk(DELTA), chunk(DONE) + b"0\r\n\r\n"))
    assert say(client_of(server)) == "Hi"


def test_a_reply_that_is_cut_behind_its_end_is_whole(servers: list[Server]) -> None:
    usage = b'"usage":{"prompt_tokens":7,"completion_tokens":2}'
    end = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}],%s}\n\n' % usage
    servers.append(server := Server(HEAD, chunk(end), times=1))
    client = Client(server.url, "chat_completions", Ring(), Urllib3Transport(server.url), silence_s=LONG_S)
    with closing(client.open(CALL, Cut())) as reply:
        batches = list(reply)
    assert batches[-1].end == End("stop", Usage(input=7, output=2))


@pytest.mark.usefixtures("patient")
def test_a_cut_of_one_call_leaves_the_next_call_of_its_connection_alone(servers: list[Server]) -> None:
    servers.append(server := Server(HEAD, chunk(DELTA), chunk(DONE) + b"0\r\n\r\n"))
    client, cut = client_of(server), Cut()
    with closing(client.open(CALL, cut)) as reply:
        list(reply)
    with closing(client.open(CALL, Cut())) as reply:
        cut.pull()
        assert "".join(batch.text for batch in reply) == "Hi"
    assert server.connections == 1


def test_nothing_is_left_of_a_cut_after_its_call(servers: list[Server]) -> None:
    servers.append(server := Server(HEAD, chunk(DELTA), chunk(DONE) + b"0\r\n\r\n"))
    say(client_of(server))
    assert current_cut.get() is None


def test_a_server_of_http_1_0_streams_until_it_closes() -> None:
    heard = threading.Event()

    class Old(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(DELTA)
            heard.wait(LONG_S)
            self.wfile.write(DELTA + DONE)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        client = Client(url, "responses", Ring(), Urllib3Transport(url))
        with closing(client.open(CALL, Cut())) as reply:
            began = time.monotonic()
            assert next(batches := iter(reply)).text == "Hi"
            assert time.monotonic() - began < LONG_S / 2
            heard.set()
            assert "".join(batch.text for batch in batches) == "Hi"
        server.shutdown()
