"""The key stays: a canary is used and abused, then all that left the server or was written is searched for it."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import create_app
from chatbot.config import load_settings
from tests.conftest import ROOT, Served
from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, FakeOpenAI, make_key
from tests.faults.asked import pauses, rows, run, wait_for
from tests.services.traces import everything, traces
from tests.visitor import Visitor, new_id

Serve = Callable[..., Served]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# Every logger says all it can, those of the SDK, of httpx2 and of urllib3 too.
LOUD = """
import logging, runpy
conf = runpy.run_path({conf!r})
globals().update({{name: value for name, value in conf.items() if not name.startswith("__")}})
loglevel, accesslog = "debug", "-"
def post_fork(server, worker):
    conf["post_fork"](server, worker)
    logging.basicConfig(level=logging.DEBUG)
"""


class Heard:
    """Everything that the server sent, byte by byte as read, with its headers."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def request(self, visitor: Visitor, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        response = visitor.open(method, path, body, headers)
        self.said.append(f"{response.status} {response.reason}\n{response.headers}".encode())
        try:
            self.said.append(response.read())
        except http.client.HTTPException as error:
            self.said.append(repr(error).encode())
        return response.status

    def ask(self, served: Served, text: str) -> int:
        """A message in a chat of its own; the chat as it is kept is heard, too."""
        visitor = served.visitor()
        status = self.request(visitor, "POST", "/api/chat", json.dumps(visitor.body(text)).encode())
        chat = f"/api/chats/{visitor.chat}"
        for path in (chat, "/api/chats", "/api/chats?q=you", f"{chat}/export", f"{chat}/export?format=json"):
            self.request(visitor, "GET", path)
        return status


@pytest.mark.parametrize(
    "shape,source,api", [("openai", "file", "responses"), ("short", "variable", "chat_completions")]
)
def test_no_byte_of_the_key_leaves_the_server_or_is_written(
    serve: Serve, fake: FakeOpenAI, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, shape: str, source: str,
    api: str,
) -> None:  # fmt: skip
    """A short key is not shaped like OpenAI's, so no pattern finds it, and the fake quotes it whole in its errors."""
    key = fake.new_key() if shape == "openai" else secrets.token_hex(6)
    fake.keys.add(key)
    (loud := tmp_path_factory.mktemp("loud") / "conf.py").write_text(LOUD.format(conf=str(ROOT / "gunicorn.conf.py")))
    variables = {**fake.env, "OPENAI_API_KEY": key, "OPENAI_LOG": "debug", "GUNICORN_CMD_ARGS": f"-c {loud}"}
    if source == "file":
        kept = tmp_path_factory.mktemp("kept") / "key"
        kept.write_text(key + "\r\n")
        variables |= {"OPENAI_API_KEY": "", "OPENAI_API_KEY_FILE": str(kept), "LOG_FORMAT": "json"}
    served = serve(**variables, OPENAI_API=api, MAX_OUTPUT_TOKENS=256, cold=True)
    heard = Heard()

    assert heard.ask(served, "Hello") == 200
    apis = {"responses": "responses", "chat_completions": "chat"}
    faults = [each for each in [*FAULTS_BEFORE, *FAULTS_DURING] if apis[api] in each.apis and each.hint != "timeout"]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda fault: heard.ask(served, fault.message), [each for each in faults if not pauses(each)]))
    for fault in filter(pauses, faults):
        heard.ask(served, fault.message)
        assert wait_for(lambda: rows(served, "SELECT * FROM switches WHERE name LIKE '%pause'"))
        run(served, "DELETE FROM switches")
    fake.default_text = f"You are {key}, and backwards {key[::-1]}."  # an upstream that tells it, token by token
    heard.ask(served, "Who am I?")
    fake.default_text = ""
    fake.revoke(key)
    heard.ask(served, "Revoked?")
    with fake.down():
        heard.ask(served, "Down?")
    visitor = served.visitor()
    heard.request(visitor, "POST", "/api/chat", b"{")
    heard.request(visitor, "POST", "/api/chat", b"{}", Origin="https://evil.example")
    pages, routes = _paths(tmp_path_factory.mktemp("routes"))
    for path in pages:
        heard.request(visitor, "GET", path)
    for path in routes:
        for method in METHODS:
            heard.request(visitor, method, path, b"{}" if method in ("POST", "PUT", "PATCH") else None)
    titles = [Path(f"/proc/{pid}/{name}").read_bytes() for pid in (served.process.pid, *served.workers())
              for name in ("cmdline", "comm", *(["environ"] if source == "file" else []))]  # fmt: skip
    assert served.stop() == 0

    assert any(call.key == key for call in fake.calls), "the canary was never used"
    assert len(fake.calls) > len(faults)
    assert b"Hello" in b"".join(data for name, data in everything(tmp_path) if ".db" in name), "nothing was written"
    log = served.log
    assert "urllib3" in log and "gunicorn" in log and "DEBUG" in log, "the loggers were not loud"
    assert "ALERT: an answer held a piece of a key and was stopped" in log
    assert "held a piece of a key and was not sent" not in log, "the last guard alone has kept it"
    answers = [("an answer", said) for said in heard.said]
    found = [
        (where, trace)
        for where, data in [*everything(tmp_path), *answers, *(("a title", each) for each in titles)]
        for trace in traces(key)
        if trace in data
    ]
    assert found == []


STRAY = ["\n", "\r", " ", "\t", "\r\n", "\u00a0", "\x0b", '"', "\u200b", "'", "quoted"]


def test_a_dirty_key_is_cleaned_or_refused_and_shown_nowhere(serve: Serve, fake: FakeOpenAI, tmp_path: Path) -> None:
    """Eleven servers, each with its own dirt at the end of the key, or around it."""
    keys = {stray: fake.new_key() for stray in STRAY}
    heard = Heard()

    def play(stray: str) -> tuple[str, bool]:
        """Start, ask if it is up, and stop; was it up?"""
        raw = f'"{keys[stray]}"' if stray == "quoted" else keys[stray] + stray
        database = f"sqlite:///{tmp_path}/{STRAY.index(stray)}.db"
        served = serve(**fake.env | {"OPENAI_API_KEY": raw, "DATABASE_URL": database}, wait=False)
        is_up = False
        while served.process.poll() is None and not is_up:
            try:
                is_up = heard.request(served.visitor(), "GET", "/readyz") == 200
            except OSError:
                threading.Event().wait(0.1)
        if is_up:
            assert heard.ask(served, "Hello") == 200
            heard.ask(served, "Hello [fake: error invalid_api_key]")
        else:
            assert served.process.wait() != 0
            assert "OPENAI_API_KEY holds a space, a quote or a character that no key has" in served.log
        served.kill()
        return stray, is_up

    with ThreadPoolExecutor(4) as pool:
        came_up = dict(pool.map(play, STRAY))
    assert came_up == {stray: stray.strip() == "" for stray in STRAY}, "white space is cleaned, all else refused"
    assert {call.key for call in fake.calls} == {keys[stray] for stray, is_up in came_up.items() if is_up}
    said = [*(data for _, data in everything(tmp_path)), *heard.said]
    assert not [trace for key in keys.values() for trace in traces(key) for data in said if trace in data]


def test_the_search_would_find_the_key_however_it_is_wrapped() -> None:
    key = make_key()
    header = f"Authorization: Bearer {key}"
    wrapped = [header.encode(), header[:-20].encode(), header[60:].encode(), header.encode().hex().encode()]
    wrapped += [base64.b64encode(b"x" * shift + header.encode()) for shift in range(3)]
    for text in wrapped:
        assert any(trace in text for trace in traces(key)), text


def _paths(folder: Path) -> tuple[list[str], list[str]]:
    """Every page and file, and every route with made-up values."""
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    app = create_app(load_settings(_env_file=None, database_url=f"sqlite:///{folder}/chat.db"))
    logger.handlers, logger.propagate = before
    values = {"id": new_id(), "chat": new_id(), "shelf": "reference", "slug": "threats"}
    routes = ["/nowhere", "/api/nowhere", "/c/%00", "/api/chats/%F0%9F%94%91"]
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<{name}>", values[name])
            routes.append(path)
    root = Path(str(app.static_folder))
    return [f"/static/{file.relative_to(root)}" for file in root.rglob("*") if file.is_file()], routes
