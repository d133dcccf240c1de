"""A fake OpenAI on a loopback port: answers, bills and breaks as the real one does, on request.

    with FakeOpenAI() as fake:
        client = OpenAI(api_key=fake.key, base_url=fake.base_url, max_retries=0)
        fake.fault("error rate_limit_exceeded")         # for the next call, whatever it says
        fake.calls[-1].text, fake.bill().nano_dollars   # what was sent, what it cost

`python tests/fake_openai.py --port 9001` serves until it is stopped, and prints the environment the app needs. Another
process steers it over HTTP: `GET /_bill`, `GET /_requests`, `GET /_env`, `POST /_fault` `{"directive": "cut 5",
"times": 1}`, `POST /_revoke` `{"key": ...}` (without a key: its own), `POST /_new_key`, `POST /_extra_costs`
`{"dollars": 1.5, "days_ago": 1}`, `POST /_go_on`, `POST /_reset`.

A message steers its own reply: `[fake: tokens 200; delay 20; cut 5]`, as `--directives` lists them all. A fault in the
stream comes after N tokens of text (2 unless told). With `times 1` a message's faults hold for its first call only.
"""

from __future__ import annotations

import json
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fake_openai_parts import calls, costs, directives, models
from tests.fake_openai_parts.calls import Bill, Call
from tests.fake_openai_parts.connection import Request
from tests.fake_openai_parts.faults import FAULTS_BEFORE, FAULTS_DURING, Fault
from tests.fake_openai_parts.identity import Identity
from tests.fake_openai_parts.keys import make_key
from tests.fake_openai_parts.plans import Plans
from tests.fake_openai_parts.server import Server

__all__ = ["FAULTS_BEFORE", "FAULTS_DURING", "Bill", "Call", "FakeOpenAI", "Fault", "make_key"]


class FakeOpenAI:
    """The server and what is known of it. `compat` (`vllm`, `fastapi`) makes it a server that is not OpenAI's."""

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        compat: str = "",
        model: str = "gpt-6-luna",
        context_tokens: int = 1_050_000,
        default: str = "",
    ) -> None:
        """`default`: directives that hold for every call. `context_tokens`: the size of every model's context."""
        self.host, self.port, self.compat, self.model = host, port, compat, model
        self.context_tokens = context_tokens
        self.plans = Plans(default)
        self.default_text = ""
        self.identity = Identity()
        self.key = make_key()
        self.keys = {self.key}
        self.admin_key = make_key("admin")  # reads the cost report, and calls no model
        self.extra: list[tuple[int, str | None, int]] = []
        self.revoked: set[str] = set()
        self.unscoped: set[str] = set()
        self.models = {model} if compat else {model, *models.KNOWN}
        self.marker = secrets.token_hex(12)
        self.requests: list[Call] = []
        self._lock = threading.Lock()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        self._server = Server(self, self.host, self.port)
        self.port = self._server.port
        return self

    def stop(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    @contextmanager
    def down(self) -> Iterator[None]:
        """Inside, connections are refused; afterwards it listens again on the same port."""
        self.stop()
        with socket.socket() as kept:  # or somebody else may be given the port meanwhile
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.bind((self.host, self.port))
            try:
                yield
            finally:
                self.start()

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    @property
    def env(self) -> dict[str, str]:
        """The environment in which the app uses this server."""
        return {"OPENAI_API_KEY": self.key, **self.env_without_key}

    @property
    def env_without_key(self) -> dict[str, str]:
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_TRUSTED_HOSTS": self.host,
            "OPENAI_MODEL": self.model,
        }

    @property
    def calls(self) -> list[Call]:
        """The calls to a model so far, oldest first; `requests` has every request."""
        return [call for call in self.requests if call.is_model_call]

    def bill(self) -> Bill:
        """What OpenAI would charge so far; a call under way counts with what it has sent."""
        return calls.bill(self.calls)

    def extra_costs(self, dollars: float, key: str | None = None, days_ago: int = 0) -> None:
        """From now on the cost report has this too: what somebody else spent, by `key` or by none."""
        day = costs.day_of(time.time()) - days_ago * costs.DAY_S
        self.extra.append((day, key and costs.key_id(key), round(dollars * 1_000_000_000)))

    def new_key(self, kind: str = "proj", length: int = 74) -> str:
        """One more key that is accepted."""
        key = make_key(kind, length)
        self.keys.add(key)
        return key

    def revoke(self, key: str) -> None:
        self.revoked.add(key)

    def restore(self, key: str) -> None:
        self.revoked.discard(key)
        self.unscoped.discard(key)

    def take_scope(self, key: str) -> None:
        """From now on `key` is valid but may not call a model: 401 `missing_scope`."""
        self.unscoped.add(key)

    def retire(self, model: str) -> None:
        """From now on `model` is a 404 `model_not_found`."""
        self.models.discard(model)

    def fault(self, directive: str, times: int = 1) -> None:
        """Queues a directive (`cut 5` or `[fake: cut 5]`) for the next `times` calls, whatever they say."""
        self.plans.queue(directive, times)

    def go_on(self) -> None:
        """Lets every reply go on that a `hold` keeps, to its next one."""
        for call in self.requests:
            call.goes_on += 1

    def reset(self) -> None:
        """Forgets requests, texts, queued faults, revocations and extra costs; replies that are held go on."""
        for call in self.requests:
            call.goes_on = sys.maxsize
        self.default_text = ""
        with self._lock:
            self.requests = []
        self.extra = []
        self.plans.reset()
        self.revoked.clear()
        self.unscoped.clear()

    def wait(self, condition: Callable[[], object], timeout: float = 60.0) -> bool:
        """Whether `condition` came true in time: `fake.wait(lambda: fake.calls[-1].closed_at)`."""
        until = time.monotonic() + timeout
        while not condition() and time.monotonic() < until:
            time.sleep(0.005)
        return bool(condition())

    def wait_idle(self, timeout: float = 60.0) -> bool:
        """Whether every call has ended in time."""
        return self.wait(lambda: all(call.ended_at for call in self.requests), timeout)

    def record(self, request: Request) -> Call:
        """A new call, for the server."""
        with self._lock:
            call = Call(len(self.requests) + 1, request.method, request.path, request.headers, request.body)
            call.request_id = f"req_{secrets.token_hex(16)}"
            self.requests.append(call)
            return call


def main(arguments: list[str]) -> None:
    """Serves on `--port N` (9001) until it is stopped; `--directives` lists what messages may ask for."""
    if "--directives" in arguments:
        for part in (directives.CONTENT, directives.BEFORE, directives.DURING):
            for name, meaning in part.items():
                print(f"{name:28} {meaning}")
        return
    port = int(arguments[arguments.index("--port") + 1]) if "--port" in arguments else 9001
    compat = arguments[arguments.index("--compat") + 1] if "--compat" in arguments else ""
    with FakeOpenAI(port, compat=compat) as fake:
        print(json.dumps(fake.env, indent=2), flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
