"""What every request passes and every response carries: same-site checks, headers, and errors in one form."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import MAX_BODY_BYTES, create_app
from chatbot.config import load_settings
from chatbot.tables import chats, limit_counters
from chatbot.web.guard import DOCUMENTS, HEADERS
from tests.conftest import ROOMY
from tests.fake_openai import FakeOpenAI
from tests.unit.built_app import unattended
from tests.visitor import Visitor, new_id

OWN, FRIEND, FOREIGN = "http://localhost", "https://friend.example", "https://evil.example"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


def build(upstream: FakeOpenAI, folder: Path) -> Flask:
    values = {name.lower(): value for name, value in {**ROOMY, **upstream.env}.items()}
    settings = load_settings(
        _env_file=None, **values, database_url=f"sqlite:///{folder}/chat.db", allowed_origins=FRIEND, trusted_proxies=1
    )
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    app = create_app(settings)
    logger.handlers, logger.propagate = before
    return unattended(app)


@pytest.fixture(scope="module")
def app(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return build(upstream, tmp_path_factory.mktemp("guard"))


@pytest.fixture
def client(app: Flask, upstream: FakeOpenAI) -> FlaskClient:
    upstream.reset()
    return app.test_client()


def say(client: FlaskClient, **headers: str) -> TestResponse:
    """Send a message; the answer is read to its end."""
    response = client.post("/api/chat", json=Visitor("").body("Hello"), headers=headers)
    assert response.data
    return response


CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OWN},
    {"Sec-Fetch-Site": "cross-site", "Origin": FOREIGN},
    {"Sec-Fetch-Site": "something-new"},
    {"Origin": FOREIGN},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost:8001"},
    {"Origin": FRIEND + ".evil.example"},
    {"Origin": "http://friend.example"},
    {"Origin": ""},
]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_a_post_from_another_site_is_refused_and_calls_nobody(
    client: FlaskClient, upstream: FakeOpenAI, headers: dict[str, str]
) -> None:
    response = client.post("/api/chat", json=Visitor("").body("Hello"), headers=headers)
    assert (response.status_code, response.json["code"]) == (403, "cross_site")  # type: ignore[index]
    assert response.mimetype == "application/problem+json"
    assert "Set-Cookie" not in response.headers and "Access-Control-Allow-Origin" not in response.headers
    assert upstream.requests == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/api/chat", f"/api/chat/{'c' * 8}/stop", "/api/chats/x", "/nowhere"])
def test_no_route_takes_an_unsafe_method_from_another_site(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": OWN},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": OWN},
        {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_our_page_a_program_and_a_friend_may_post(
    client: FlaskClient, upstream: FakeOpenAI, headers: dict[str, str]
) -> None:
    response = say(client, **headers)
    assert response.status_code == 200 and b"[DONE]" in response.data
    assert len(upstream.calls) == 1


def test_another_site_may_read_nothing_but_link_to_pages(client: FlaskClient) -> None:
    response = client.get("/api/me", headers={"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"})
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/chat", "/api/me", f"/api/chat/{'c' * 8}/stop"])
def test_a_friend_is_told_before_it_asks_that_it_may(client: FlaskClient, path: str) -> None:
    asked = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    response = client.options(path, headers=asked)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == FRIEND
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "content-type" in response.headers["Access-Control-Allow-Headers"].lower()
    assert "Origin" in response.headers["Vary"]
    assert int(response.headers["Access-Control-Max-Age"]) > 60, "or each message would wait for two answers"


def test_a_friend_may_read_answers_and_errors_with_its_cookie(client: FlaskClient) -> None:
    for response in (say(client, Origin=FRIEND), client.post("/api/chat", data=b"{", headers={"Origin": FRIEND})):
        assert response.headers["Access-Control-Allow-Origin"] == FRIEND
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert {"Retry-After", "RateLimit", "RateLimit-Policy", "x-vercel-ai-ui-message-stream"} <= set(
            response.headers["Access-Control-Expose-Headers"].split(", ")
        )


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/guide/keep-it-safe"])
def test_a_friend_reads_the_api_and_nothing_else(client: FlaskClient, path: str) -> None:
    for response in (client.get(path, headers={"Origin": FRIEND}), client.options(path, headers={"Origin": FRIEND})):
        assert "Access-Control-Allow-Origin" not in response.headers


def test_a_stranger_is_told_before_it_asks_that_it_may_not(client: FlaskClient) -> None:
    response = client.options("/api/chat", headers={"Origin": FOREIGN, "Access-Control-Request-Method": "POST"})
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Origin" in response.headers["Vary"], "a cache must not give a friend's answer to a stranger"


SECURITY = {
    "Content-Security-Policy": HEADERS["Content-Security-Policy"],
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}


def every_answer(app: Flask, client: FlaskClient) -> Iterator[tuple[str, TestResponse]]:
    """An answer of every route, and of every kind of error."""
    values: dict[str, Any] = {"id": "c" * 8, "chat": "c" * 8, "slug": "get-a-key", "filename": "js/main.js"}
    values["shelf"] = "reference"
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("path:", "")
        for name in rule.arguments:
            path = path.replace(f"<{name}>", values[name])
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield f"{method} {path}", client.open(path, method=method)
    yield "404 page", client.get("/nowhere")
    yield "404 api", client.get("/api/nowhere")
    yield "405", client.put("/api/me")
    yield "403", client.post("/api/chat", headers={"Origin": FOREIGN})
    yield "400", client.post("/api/chat", data=b"{")
    yield "413", client.post("/api/chat", data=b" " * (MAX_BODY_BYTES + 1))
    yield "options", client.options("/api/chat")
    yield "stream", say(client)


def test_every_answer_carries_the_security_headers(app: Flask, client: FlaskClient) -> None:
    """A script is no document: its policy is that of the page that loads it."""
    seen = []
    for name, response in every_answer(app, client):
        is_script = name.endswith(".js")
        seen.append(is_script)
        for header, value in SECURITY.items():
            expected = [] if is_script and header in DOCUMENTS else [value]
            assert response.headers.getlist(header) == expected, f"{name}: {header}"
        response.close()
    assert len(seen) > 15 and sum(seen) == 2  # GET and HEAD


def test_the_policy_allows_only_our_own_files() -> None:
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert (
        policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
    )
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy) and "http" not in str(policy) and "*" not in str(policy)


@pytest.mark.parametrize(
    "method,path,status,code",
    [
        ("GET", "/api/nowhere", 404, "not_found"),
        ("POST", "/api/nowhere", 404, "not_found"),
        ("GET", "/api/chat", 405, "method_not_allowed"),
        ("PUT", "/api/me", 405, "method_not_allowed"),
        ("GET", f"/api/chats/{'x' * 8}", 404, "not_found"),
    ],
)
def test_an_error_of_the_api_is_a_problem(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    problem = response.get_json()
    assert problem.keys() >= {"type", "title", "status", "detail", "code"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert response.headers["Cache-Control"] == "no-store"
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    "method,path,status", [("GET", "/nowhere", 404), ("GET", "/guide/nowhere", 404), ("POST", "/", 405)]
)
def test_an_error_of_a_page_is_a_page(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert "<html" in response.text and "Traceback" not in response.text


def test_a_body_over_the_bound_is_too_long_and_calls_nobody(client: FlaskClient, upstream: FakeOpenAI) -> None:
    response = client.post("/api/chat", data=b" " * (MAX_BODY_BYTES + 1))
    assert (response.status_code, response.get_json()["code"]) == (413, "too_long")
    assert client.post("/api/chat", data=b" " * MAX_BODY_BYTES).status_code == 400
    assert upstream.requests == []


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
@pytest.mark.parametrize("path", ["/", "/api/openapi.json", "/static/css/base.css"])
def test_a_date_of_no_calendar_is_ignored(client: FlaskClient, path: str, name: str) -> None:
    with client.get(path, headers={name: "Mon, 99999999999 Jan 2026 00:00:00 GMT"}) as response:
        assert response.status_code == 200


def test_a_defect_of_ours_says_nothing_of_itself(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setitem(app.view_functions, "chat_api.me", fail)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    response = client.get("/api/me")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal")
    assert "secret" not in response.text


def test_a_defects_line_in_the_log_is_one_whatever_the_address(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(app.view_functions, "pages.chat", lambda chat: 1 / 0)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(logging.getLogger("chatbot"), "propagate", True)
    assert client.get("/c/x%0AALERT: call evil.example").status_code == 500
    (line,) = {record.getMessage() for record in caplog.records if record.name == "chatbot.web"}
    assert line.startswith(r"a defect at '/c/x\nALERT: call evil.example': ZeroDivisionError at ") and "\n" not in line


def test_behind_a_tls_proxy_the_cookie_is_secure_and_the_browser_stays_with_tls(client: FlaskClient) -> None:
    response = say(client, **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"})
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert "; Secure" in cookie and "HttpOnly" in cookie and "SameSite=None" in cookie
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")


def test_without_tls_the_cookie_stays_on_this_site(client: FlaskClient) -> None:
    response = say(client)
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert "Secure" not in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Strict-Transport-Security" not in response.headers


def test_a_forged_cookie_makes_a_new_visitor_who_sees_nothing_of_others(app: Flask, client: FlaskClient) -> None:
    chat = new_id()
    assert client.post("/api/chat", json={**Visitor("").body("Mine"), "id": chat}).data
    cookie = client.get_cookie("visitor")
    assert cookie and client.get(f"/api/chats/{chat}").status_code == 200
    for forged in (cookie.value[:-2] + "xx", cookie.value.rpartition(".")[0], "x" + cookie.value, ""):
        stranger = app.test_client()
        stranger.set_cookie("visitor", forged)
        assert stranger.get(f"/api/chats/{chat}").status_code == 404
        given = say(stranger).headers["Set-Cookie"]
        assert given.startswith("visitor=") and cookie.value not in given
    assert "Set-Cookie" not in say(client).headers, "a known visitor keeps the cookie"


def test_the_first_request_of_a_process_is_answered_to_the_visitor_who_sent_it(
    upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """It is the one that starts the process, and what is rehearsed then asks as a visitor of its own."""
    app = build(upstream, tmp_path)
    client = app.test_client()
    client.set_cookie("visitor", app.extensions["turnkey"].signer.sign("v" * 32))
    chat = new_id()
    response = client.post("/api/chat", json={**Visitor("").body("Mine"), "id": chat})
    assert response.data and response.status_code == 200 and "Set-Cookie" not in response.headers
    assert client.get(f"/api/chats/{chat}").status_code == 200


def test_a_process_that_starts_counts_no_visitor_and_no_message(upstream: FakeOpenAI, tmp_path: Path) -> None:
    app = build(upstream, tmp_path)
    assert app.test_client().get("/healthz").status_code == 200
    house = app.extensions["turnkey"]
    with house.engine.connect() as connection:
        assert connection.execute(select(limit_counters)).all() == []
        assert connection.execute(select(chats)).all() == []


def test_who_looks_around_gets_the_cookie_and_keeps_it(client: FlaskClient) -> None:
    (cookie,) = client.get("/api/me").headers.getlist("Set-Cookie")
    assert cookie.startswith("visitor=") and "HttpOnly" in cookie
    assert "Set-Cookie" not in client.get("/api/me").headers
    assert "Set-Cookie" not in say(client).headers
    assert "Set-Cookie" not in client.get("/").headers
