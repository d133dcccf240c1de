"""Listens on a loopback port, a thread for each connection, and routes requests to the model or the controls."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

from tests.fake_openai_parts import costs, identity, models, moderation
from tests.fake_openai_parts.answers import answer_model_call, authenticate
from tests.fake_openai_parts.calls import Call
from tests.fake_openai_parts.connection import ClientGone, Connection
from tests.fake_openai_parts.errors import ApiError

if TYPE_CHECKING:
    from tests.fake_openai import FakeOpenAI

_MODEL_CALLS = {"/v1/responses": "responses", "/v1/chat/completions": "chat"}


class Server:
    """The listening socket and the connections it accepted."""

    def __init__(self, fake: FakeOpenAI, host: str, port: int) -> None:
        self._fake = fake
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, port), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._accept, daemon=True, name=f"fake-openai-{self.port}").start()

    def close(self) -> None:
        """Stops listening and ends every connection."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.wake()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            connection = Connection(client)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            while connection.reusable and not self._closed and (request := connection.read()):
                call = self._fake.record(request)
                try:
                    self._route(connection, call)
                finally:
                    call.end("completed")
                if request.headers.get("connection", "").lower() == "close":
                    break
        except ClientGone:
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)

    def _route(self, connection: Connection, call: Call) -> None:
        path = call.path.partition("?")[0]
        if call.method == "POST" and path in _MODEL_CALLS:
            call.api = _MODEL_CALLS[path]
            answer_model_call(self._fake, connection, call)
        elif call.method == "POST" and path == identity.PATH:
            call.api = "token"
            call.status, body = self._fake.identity.exchange(call.raw)
            self._fake.keys.update(self._fake.identity.tokens)
            connection.answer_json(call.status, body)
        elif path.startswith("/_"):
            call.api = "control"
            self._control(connection, call, path)
        else:
            call.api = "other"
            self._other(connection, call, path)

    def _other(self, connection: Connection, call: Call, path: str) -> None:
        headers = {"x-request-id": call.request_id, "Content-Type": "application/json"}
        try:
            if call.method == "GET" and path == costs.PATH:
                value = costs.report(self._fake, call)
            else:
                authenticate(self._fake, call)
                value = self._value(call, path)
        except ApiError as error:
            call.status = error.status
            connection.answer(error.status, {**headers, "Content-Type": error.media_type}, error.body())
            return
        call.status = 200
        connection.answer(200, headers, json.dumps(value).encode())

    def _value(self, call: Call, path: str) -> dict[str, Any]:
        names = sorted(self._fake.models)
        if call.method == "GET" and path == "/v1/models":
            return {"object": "list", "data": [models.describe(name) for name in names]}
        if call.method == "GET" and path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            if name not in names:
                raise ApiError(404, "model_not_found", f"The model '{name}' does not exist", param="model")
            return models.describe(name)
        if call.method == "POST" and path == "/v1/moderations":
            return moderation.answer(json.loads(call.raw).get("input", ""))
        message = f"Invalid URL ({call.method} {path})"
        raise ApiError(404, None, message)

    def _control(self, connection: Connection, call: Call, path: str) -> None:
        """Lets another process look and steer; see the docstring of `tests.fake_openai`."""
        fake = self._fake
        given = json.loads(call.raw or b"{}")
        if path == "/_bill":
            connection.answer_json(200, fake.bill().as_dict())
        elif path == "/_requests":
            connection.answer_json(200, [each.as_dict() for each in fake.requests])
        elif path == "/_env":
            connection.answer_json(200, fake.env)
        elif path == "/_fault":
            fake.fault(given["directive"], times=given.get("times", 1))
            connection.answer_json(200, {"queued": fake.plans.queued()})
        elif path == "/_revoke":
            fake.revoke(given.get("key") or fake.key)
            connection.answer_json(200, {"revoked": len(fake.revoked)})
        elif path == "/_new_key":
            connection.answer_json(200, {"key": fake.new_key()})
        elif path == "/_extra_costs":
            fake.extra_costs(given["dollars"], given.get("key"), given.get("days_ago", 0))
            connection.answer_json(200, {"extra": len(fake.extra)})
        elif path in ("/_reset", "/_go_on"):
            fake.reset() if path == "/_reset" else fake.go_on()
            connection.answer_json(200, {})
        else:
            connection.answer_json(404, {"error": "no such control"})
