"""Each guard of the key, how to switch it off, and a deed that only this guard keeps from telling the canary.

`python -m tests.services.guards` reads names, states, folders and canary keys from standard input. In a process for
each it does the deed with the guard on or off; all that comes out goes into the folder. It says how each ended.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import httpx2
import openai
from pydantic import SecretStr
from werkzeug.test import Client

import app as wiring
from chatbot import config
from chatbot.chats import relay
from chatbot.errors import Problem, SettingsError
from chatbot.key import credential, redact, source, watch
from chatbot.model import client as model_client
from chatbot.model import faults, transport
from chatbot.signing import Signer
from chatbot.web import body, outgoing
from tests.fake_openai import FakeOpenAI
from tests.visitor import new_id

OUT = Path("out.txt")


@dataclass(frozen=True)
class Guard:
    """`off` disables it; `deed` returns what a visitor would get, if anything."""

    off: Callable[[], None]
    deed: Callable[[str], Any]


class House:
    """The app in this process, with the canary as its key and a fake OpenAI behind it."""

    def __init__(self, key: str, **variables: Any) -> None:
        self.fake = FakeOpenAI().start()
        self.fake.keys.add(key)
        values = {name.lower(): value for name, value in self.fake.env.items()} | {"openai_api_key": key} | variables
        settings = config.load_settings(_env_file=None, database_url=f"sqlite:///{Path.cwd()}/chat.db", **values)
        self.app = wiring.create_app(settings)
        self.visitor = Client(self.app)

    @property
    def parts(self) -> Any:
        return self.app.extensions["turnkey"]

    def say(self, text: str) -> bytes:
        message = {"role": "user", "parts": [{"type": "text", "text": text}]}
        return self.get("/api/chat", method="POST", json={"id": new_id(), "messages": [message]})

    def get(self, path: str, **options: Any) -> bytes:
        """Everything that a visitor hears, with the headers, also of an answer that is broken off."""
        heard = b""
        answer = self.visitor.open(path, buffered=False, **options)
        heard += str(answer.headers).encode()
        with suppress(outgoing.KeyLeak):
            for chunk in answer.response:
                heard += chunk if isinstance(chunk, bytes) else chunk.encode()
        answer.close()
        return heard

    def route(self, view: Callable[[], Any]) -> bytes:
        self.app.add_url_rule("/defect", "defect", view)
        return self.get("/defect")


def switch(place: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(place, name, value)


def raw_logging() -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    redact.RedactedRecord = logging.LogRecord  # type: ignore[misc, assignment]


def log_by_a_library(key: str) -> None:
    redact.guard_output()
    watch.watch.add(key)
    logging.basicConfig(level=logging.DEBUG)
    logging.getLogger("urllib3.connectionpool").debug("sent %s", key)
    try:
        raise ValueError(f"Invalid header value b'Bearer {key}'")
    except ValueError:
        logging.getLogger("gunicorn.error").exception("Error handling request")


def fail_in_a_thread(key: str) -> None:
    redact.guard_output()
    thread = threading.Thread(target=lambda: int(key))
    thread.start()
    thread.join()


def fail_at_the_top(key: str) -> None:
    redact.guard_output()
    raise RuntimeError(key)


def fail_in_a_destructor(key: str) -> None:
    redact.guard_output()

    class Odd:
        def __del__(self) -> None:
            raise RuntimeError(key)

    Odd()


def warn(key: str) -> None:
    redact.guard_output()
    logging.basicConfig()
    warnings.warn(f"odd: {key}", stacklevel=1)


def log_a_key_of_another_maker(key: str) -> None:
    other = key[::-1]  # not of OpenAI's shape; the test looks for the canary reversed, too
    House(other, openai_base_url="http://127.0.0.1:9/v1")
    logging.getLogger("chatbot.turn").error("with %s", other)


def log_somebody_elses_key(key: str) -> None:
    redact.guard_output()
    logging.basicConfig()
    logging.error("a visitor wrote %s", key)


def show_everything(key: str) -> str:
    house = House(key)
    first = house.parts.ring.credentials[0]
    return f"{first} {first!r} {[first]} {house.parts} {vars(house.parts.ring)} {house.parts.client._by_key!r}"


def show_the_settings(key: str) -> str:
    settings = House(key).parts.settings
    return f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def show_what_the_sdk_holds(key: str) -> str:
    """Its attributes, and the request that goes with each of its exceptions."""
    house = House(key)
    house.fake.fault("error rate_limit_exceeded", times=9)
    sdk = house.parts.client._by_key
    told = repr(vars(sdk))
    with credential.using(house.parts.ring.credentials[0]):
        try:
            sdk.responses.create(model="gpt-6-luna", input="Hello")
        except openai.APIStatusError as error:
            told += str(dict(error.request.headers))
    return told


def let_the_sdk_hold_the_key() -> None:
    made = model_client.Client.__init__

    def held(self: Any, base_url: str, api: str, ring: Any, *rest: Any, **more: Any) -> None:
        made(self, base_url, api, ring, *rest, **more)
        if ring.sources:
            self._by_key.api_key = ring.credentials[0].reveal()

    model_client.Client.__init__ = held  # type: ignore[method-assign]


def hear_an_upstream_that_tells(key: str) -> bytes:
    """Its error quotes the organization, the project and, of a short key, the whole."""
    house = House("short" + key[20:24] + "key")
    heard = b""
    for code in ("invalid_api_key", "rate_limit_exceeded", "project_spend_limit_exceeded"):
        house.fake.fault(f"error {code}; retry-after 60")
        heard += house.say("Hello")
    return heard.replace(b"org-Fake", key.encode()).replace(b"proj_Fake", key.encode())


def pass_on_upstream_words() -> None:
    made = model_client._problem

    def telling(error: Exception) -> Problem:
        problem = made(error)
        problem.detail = str(error)
        return problem

    model_client._problem = telling


def hear_an_answer_that_holds_the_key(key: str) -> None:
    """The upstream says what it was asked with: it must not get into the database either."""
    house = House(key)
    house.fake.plans.default_text = house.fake.default_text = f"You are {key}, are you not?"
    house.say("Who am I?")
    while house.parts.turns.live:  # its producer goes on by itself, and stores what it has
        time.sleep(0.01)


def deafen_the_relay() -> None:
    relay.Listener = type("Deaf", (), {"__init__": lambda *_: None, "hears": lambda *_: False})  # type: ignore


def send_a_page_with_the_key(key: str) -> bytes:
    return House(key).route(lambda: f"<p>before {key} after</p>")


def send_a_header_with_the_key(key: str) -> bytes:
    return House(key).route(lambda: flask.Response("nothing", headers={"X-Debug": key}))


def send_the_key_in_pieces(key: str) -> bytes:
    def pieces() -> Iterator[str]:
        yield "before "
        yield from (key[at : at + 9] for at in range(0, len(key), 9))

    return House(key).route(lambda: flask.Response(pieces(), mimetype="text/plain"))


def forget_the_piece_before() -> None:
    outgoing.Listener = type(  # type: ignore[misc, assignment]
        "Forgetful",
        (),
        {"__init__": lambda self, of: setattr(self, "of", of), "hears": lambda self, it: self.of.finds(it)},
    )


def write_a_key_as_a_visitor(key: str) -> bytes:
    """Not the server's own: what the visitor wrote goes nowhere, and nobody repeats it."""
    house = House("a-key-of-the-tests")
    house.fake.keys = set()
    house.fake.compat = "vllm"
    house.say(f"Is {key} a good key?")
    return json.dumps([str(call.body) for call in house.fake.requests]).encode()


def send_the_key_to_a_stranger(key: str) -> str:
    with FakeOpenAI() as stranger:
        with suppress(SettingsError):
            house = House(key, openai_base_url=stranger.base_url, openai_trusted_hosts=[])
            house.say("Hello")
        return " ".join(str(call.headers) for call in stranger.requests)


def start_with_a_dirty_key(key: str) -> str:
    """A key that holds a line break would be quoted by whatever refuses it as a header."""
    with FakeOpenAI() as fake:
        try:
            wire = transport.Urllib3Transport(fake.base_url)
            settings = config.load_settings(
                _env_file=None, openai_api_key=f"{key[:40]}\n{key[40:]}", openai_base_url=fake.base_url,
                openai_trusted_hosts=["127.0.0.1"],
            )  # fmt: skip
            (found,) = source.load_sources(settings, Signer("the secret of these tests"))
            with credential.using(found.credential()):
                wire.handle_request(httpx2.Request("POST", fake.base_url + "/responses", content=b"{}"))
        except SettingsError as refused:
            return str(refused)
        except ValueError as error:
            return str(error).replace("\\n", "")
    return ""


def start_a_child(key: str) -> bytes:
    os.environ["OPENAI_API_KEY"] = key
    config.forget_secrets()
    return subprocess.run(["env"], capture_output=True, check=True).stdout


def start_a_child_with_its_own_environment(key: str) -> bytes:
    os.environ["OPENAI_API_KEY_STANDBY"] = key
    return subprocess.run(["env"], env=config.child_environment(), capture_output=True, check=True).stdout


def open_the_debugger(key: str) -> str:
    try:
        config.refuse_open_debugger("0.0.0.0", debugger=True)
    except SettingsError:
        return ""
    return f"whoever sees the debugger reads {key}"


def tell_the_cause_of_a_broken_connection(key: str) -> str:
    """urllib3's own words may quote what was sent."""
    error = transport._translated(OSError(f"could not send Authorization: Bearer {key}"), None)  # type: ignore[arg-type]
    return repr(error) + str(error.__cause__)


def tell_an_odd_code(key: str) -> str:
    """An upstream may put anything where a code belongs; the log keeps harmless names alone."""
    return faults.problem_of_status(429, key, "", {}, key).cause


GUARDS = {
    "log records": Guard(raw_logging, log_by_a_library),
    "exceptions in threads": Guard(switch(redact, "_log_uncaught", sys.__excepthook__), fail_in_a_thread),
    "exceptions at the top": Guard(switch(redact, "_uncaught", sys.__excepthook__), fail_at_the_top),
    "exceptions in destructors": Guard(raw_logging, fail_in_a_destructor),
    "warnings": Guard(switch(logging, "captureWarnings", lambda _: None), warn),
    "the filter by value": Guard(switch(watch.Watch, "find", lambda *_: []), log_a_key_of_another_maker),
    "the filter by shape": Guard(switch(redact, "REDACTED", redact.TOKEN), log_somebody_elses_key),
    "a key shows its fingerprint alone": Guard(
        switch(credential.Key, "__repr__", lambda self: self._value), show_everything
    ),
    "settings are masked": Guard(switch(SecretStr, "_display", lambda self: self._secret_value), show_the_settings),
    "the SDK never holds the key": Guard(let_the_sdk_hold_the_key, show_what_the_sdk_holds),
    "upstream words stay inside": Guard(pass_on_upstream_words, hear_an_upstream_that_tells),
    "the answer is listened to": Guard(deafen_the_relay, hear_an_answer_that_holds_the_key),
    "the last guard on bodies": Guard(switch(outgoing, "_hears", lambda *_: False), send_a_page_with_the_key),
    "the last guard on headers": Guard(switch(outgoing, "_tells", lambda _: False), send_a_header_with_the_key),
    "the last guard across chunks": Guard(forget_the_piece_before, send_the_key_in_pieces),
    "visitors' keys": Guard(switch(body, "holds_key", lambda _: False), write_a_key_as_a_visitor),
    "trusted hosts": Guard(switch(source, "check_host", lambda *_: None), send_the_key_to_a_stranger),
    "the form of a key": Guard(switch(credential, "check_form", lambda *_: None), start_with_a_dirty_key),
    "a worker's children": Guard(switch(config, "forget_secrets", lambda: None), start_a_child),
    "a command's children": Guard(
        switch(config, "child_environment", lambda: dict(os.environ)), start_a_child_with_its_own_environment
    ),
    "the debugger": Guard(switch(config, "refuse_open_debugger", lambda *_, **__: None), open_the_debugger),
    "a transport's errors": Guard(
        switch(transport, "_translated", lambda error, _: error), tell_the_cause_of_a_broken_connection
    ),
    "an upstream's codes": Guard(switch(faults, "safe", lambda name: name), tell_an_odd_code),
}


def main() -> None:
    """Returns in this process, which has loaded everything, and in each of its forks."""
    asked, codes = json.load(sys.stdin), []
    gc.freeze()
    for name, state, folder, key in asked:
        child = os.fork()
        if child == 0:
            play(name, state, folder, key)
            return
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes))


def play(name: str, state: str, folder: str, key: str) -> None:
    os.chdir(folder)
    said_to = os.open("output.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(said_to, 1)
    os.dup2(said_to, 2)
    guard = GUARDS[name]
    if state == "off":
        guard.off()
    said = guard.deed(key)
    OUT.write_bytes(said if isinstance(said, bytes) else str(said or "").encode())


if __name__ == "__main__":
    main()
