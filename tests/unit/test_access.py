"""The access code: nothing is served without it but what is open, a pass cannot be made up, guesses are limited."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from chatbot.alerts.tally import sums
from chatbot.config import load_settings
from chatbot.visitors.access import GUESSES_SITE, PASS_S
from chatbot.web.enter import OPEN
from tests.conftest import ROOMY
from tests.unit.built_app import unattended
from tests.visitor import Visitor

CODE = "open sésame"
FRIEND, FOREIGN = "https://friend.example", "https://evil.example"
FORM = {"Accept": "text/html,application/xhtml+xml"}
VALUES = {"id": "c" * 8, "chat": "c" * 8, "slug": "get-a-key", "filename": "js/main.js"}
addresses = count(1)


def build(folder: Path, **values: object) -> Flask:
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    roomy = {name.lower(): value for name, value in ROOMY.items()}
    settings = load_settings(_env_file=None, **{**roomy, "database_url": f"sqlite:///{folder}/chat.db", **values})
    app = create_app(settings)
    logger.handlers, logger.propagate = before
    return unattended(app)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("access")
    return build(folder, access_code=CODE, allowed_origins=FRIEND, trusted_proxies=1, admin_password="p" * 12)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return newcomer(app)


def newcomer(app: Flask) -> FlaskClient:
    """From a network of its own, so that no test uses up another's guesses."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = f"192.0.2.{next(addresses)}"
    return client


def give(client: FlaskClient, code: str = CODE, onward: str = "/", **headers: str) -> TestResponse:
    return client.post("/enter", data={"code": code, "next": onward}, headers=headers)


def entered(app: Flask) -> FlaskClient:
    client = newcomer(app)
    assert give(client).status_code == 204
    return client


def pass_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("access")
    assert cookie
    return cookie.value


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route with every method that it takes."""
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            for converter in ("", "path:", "int:"):
                path = path.replace(f"<{converter}{name}>", VALUES.get(name, "1"))
        for method in sorted(rule.methods or set()):
            yield rule, method, path


def is_open(rule: Rule) -> bool:
    return rule.rule.split("/")[1] in OPEN


def test_every_route_that_is_not_open_is_refused_without_a_pass(app: Flask, client: FlaskClient) -> None:
    refused = set()
    for rule, method, path in routes(app):
        if not is_open(rule):
            response = client.open(path, method=method)
            if path.startswith("/api/") or method not in ("GET", "HEAD"):
                assert (response.status_code, response.mimetype) == (401, "application/problem+json"), path
            else:
                assert (response.status_code, response.location) == (302, f"/enter?next={path}"), path
            assert response.headers["Cache-Control"] == "no-store"
            refused.add(rule.endpoint)
    assert {"pages.chat", "chat_api.chat", "chat_api.listen", "chat_api.stop", "chat_api.read"} <= refused


def test_what_is_open_needs_no_pass(app: Flask, client: FlaskClient) -> None:
    served = {}
    for rule, method, path in routes(app):
        if is_open(rule) and method == "GET":
            response = client.get(path)
            served[path] = response.status_code
            response.close()
    assert served["/guide/get-a-key"] == served["/healthz"] == served["/enter"] == served["/static/js/main.js"] == 200
    assert not [path for path, status in served.items() if status == 302 and path.startswith("/enter")]
    assert {path.split("/")[1] for path in served} <= set(OPEN)


@pytest.mark.parametrize(
    "path", ["/api/me", "/api/nowhere", "/api/../enter", "/API/me", "/enter/../api/me", "//api/me"]
)
def test_no_way_of_writing_an_address_goes_around_the_door(client: FlaskClient, path: str) -> None:
    response = client.get("http://localhost" + path)
    assert response.status_code in (301, 302, 308, 401, 404)
    assert "openai" not in response.text and "allowance" not in response.text


def test_the_right_code_opens_everything_and_leads_back(app: Flask, client: FlaskClient) -> None:
    response = give(client, onward="/c/abcdefgh", **FORM)
    assert (response.status_code, response.location) == (303, "/c/abcdefgh")
    assert client.get("/").status_code == 200
    assert client.get("/api/me").status_code == 200
    assert b"[DONE]" in client.post("/api/chat", json=Visitor("").body("Hello")).data
    assert client.get("/enter").location == "/"


def test_the_pass_is_hidden_from_scripts_and_lasts_thirty_days(client: FlaskClient) -> None:
    (cookie,) = give(client).headers.getlist("Set-Cookie")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert f"Max-Age={30 * 86_400}" in cookie and CODE not in cookie
    tls = give(client, **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.250"})
    (cookie,) = tls.headers.getlist("Set-Cookie")
    assert "; Secure" in cookie and "SameSite=None" in cookie, "another front end needs it"


def test_a_pass_cannot_be_made_up_or_stretched(app: Flask, client: FlaskClient) -> None:
    held = pass_of(entered(app))
    ends_at, signature = held.split(".")
    signer = app.extensions["turnkey"].signer
    forged = ["", ".", "x", held[:-1], held + "0", f"{int(ends_at) + 1}.{signature}", f"{ends_at}.", f".{signature}",
              f"0{held}", signer.sign("a" * 32), "9" * 3900 + "." + signature, f"{ends_at}.é", "\x00"]  # fmt: skip
    for value in forged:
        client.set_cookie("access", value)
        assert client.get("/api/me").status_code == 401, value
    client.set_cookie("visitor", signer.sign("a" * 32))
    client.set_cookie("access", held)
    assert client.get("/api/me").status_code == 200


def test_a_pass_is_no_visitors_cookie(app: Flask) -> None:
    """Or who knows the code could be as many visitors as they like."""
    client = entered(app)
    client.set_cookie("visitor", pass_of(client))
    assert client.get("/api/me").headers["Set-Cookie"].startswith("visitor=")


def test_a_pass_ends_after_thirty_days(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = entered(app)
    real = time.time
    monkeypatch.setattr("chatbot.visitors.access.time.time", lambda: real() + PASS_S - 60)
    assert client.get("/").status_code == 200
    monkeypatch.setattr("chatbot.visitors.access.time.time", lambda: real() + PASS_S + 60)
    assert client.get("/").status_code == 302


def test_another_code_ends_every_pass_and_the_same_one_keeps_them(app: Flask, tmp_path: Path) -> None:
    secret = "a secret of these tests"
    first = build(tmp_path, access_code=CODE, secret_key=secret)
    held = pass_of(entered(first))
    statuses = []
    for code in (CODE, CODE + "!", None):
        client = build(tmp_path, access_code=code, secret_key=secret).test_client()
        client.set_cookie("access", held)
        statuses.append(client.get("/").status_code)
    assert statuses == [200, 302, 200]


def test_a_wrong_code_says_so_and_is_not_told_back(client: FlaskClient) -> None:
    page = give(client, "my other secret", "/c/abcdefgh", **FORM)
    assert (page.status_code, page.mimetype) == (401, "text/html")
    assert "That is not the access code." in page.text and "my other secret" not in page.text
    assert 'value="/c/abcdefgh"' in page.text
    told = give(client, "wrong")
    assert (told.status_code, told.get_json()["code"]) == (401, "access_required")
    for response in (page, told):
        assert "Set-Cookie" not in response.headers and response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("code", [f" {CODE}\n", CODE])
def test_spaces_around_the_code_do_no_harm(client: FlaskClient, code: str) -> None:
    assert give(client, code).status_code == 204


@pytest.mark.parametrize("code", ["", " ", CODE[:-1], CODE + "x", CODE.upper(), "open sesame", "\x00", "x" * 10_000])
def test_nothing_but_the_code_opens(app: Flask, client: FlaskClient, code: str) -> None:
    assert give(client, code).status_code == 401
    assert client.post("/enter").status_code == 401, "nothing given"
    assert client.get("/").status_code == 302


def test_after_ten_wrong_guesses_a_network_waits_even_with_the_right_code(app: Flask, client: FlaskClient) -> None:
    wrong = [give(newcomer_from(app, client), f"guess {number}").status_code for number in range(12)]
    assert wrong == [401] * 10 + [429] * 2
    refused = give(client)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert "Set-Cookie" not in refused.headers
    assert 60 < int(refused.headers["Retry-After"]) <= 7200
    page = give(client, **FORM)
    assert (page.status_code, page.headers["Retry-After"]) == (429, page.headers["Retry-After"])
    assert "Too many wrong access codes came from your network." in page.text and "minute" in page.text
    assert give(newcomer(app)).status_code == 204, "another network"


def newcomer_from(app: Flask, other: FlaskClient) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = other.environ_base["REMOTE_ADDR"]
    return client


def test_right_codes_use_up_no_guesses(app: Flask, client: FlaskClient) -> None:
    assert [give(newcomer_from(app, client)).status_code for _ in range(30)] == [204] * 30
    assert [give(client, "wrong").status_code for _ in range(11)] == [401] * 10 + [429]


def test_a_thousand_wrong_guesses_from_anywhere_close_the_door_for_all(tmp_path: Path) -> None:
    app = build(tmp_path, access_code=CODE)
    inside = entered(app)
    house: Any = app.extensions["turnkey"]
    for _ in range(900):
        house.limits.count([("guesses_site", GUESSES_SITE, "all")])
    wrong = [give(newcomer(app), "guess").status_code for _ in range(101)]
    assert wrong == [401] * 100 + [429]
    refused = give(newcomer(app))
    assert refused.status_code == 429 and "were tried here" in refused.get_json()["detail"]
    assert inside.get("/").status_code == 200, "who is inside stays inside"
    house.tally.keep()
    assert sums(house.engine) == {"wrong access code": 100, "limit guesses_site": 2}


LOCAL = ["/", "/c/abcdefgh", "/c/A_b-9.x~"]
ELSEWHERE = [
    *(
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil.example",
    ),
    *("javascript:alert(1)", "/c/x\r\nSet-Cookie: a=b", "/%0d%0a", "/@evil.example", "/c/é", ""),
]


@pytest.mark.parametrize("onward", LOCAL + ELSEWHERE)
def test_the_way_on_stays_on_this_site(app: Flask, onward: str) -> None:
    expected = onward if onward in LOCAL else "/"
    client = newcomer(app)
    assert f'name="next" value="{expected}"' in client.get("/enter", query_string={"next": onward}).text
    assert give(client, onward=onward, **FORM).location == expected
    assert client.get("/enter", query_string={"next": onward}).location == expected


def test_another_front_end_may_give_the_code_and_another_site_may_not(app: Flask) -> None:
    client = newcomer(app)
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    assert client.options("/api/chat", headers=asked).status_code == 204, "before it asks it carries no cookie"
    refused = client.get("/api/me", headers={"Origin": FRIEND})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, FRIEND)
    response = give(client, Origin=FRIEND, **{"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 204 and "access=" in response.headers["Set-Cookie"]
    assert response.headers["Access-Control-Allow-Origin"] == FRIEND
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert give(newcomer(app), Origin=FOREIGN, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_forms_page_lets_a_browser_say_where_the_form_was_sent_from(client: FlaskClient) -> None:
    """Without it a form's POST has the origin `null`, which over plain HTTP is all that the server sees of it."""
    assert client.get("/enter").headers["Referrer-Policy"] == "same-origin"
    assert give(client, "wrong", **FORM).headers["Referrer-Policy"] == "same-origin"


def test_without_a_code_everybody_may_enter(tmp_path: Path) -> None:
    client = build(tmp_path).test_client()
    assert client.get("/").status_code == client.get("/api/me").status_code == 200
    for response in (client.get("/enter?next=/c/abcdefgh"), give(client, "anything", "/c/abcdefgh", **FORM)):
        assert response.status_code in (302, 303) and response.location == "/c/abcdefgh"
        assert "access=" not in str(response.headers)
    assert give(client, "anything").status_code == 204


def test_the_code_stands_in_no_answer(app: Flask, client: FlaskClient) -> None:
    inside = entered(app)
    for _rule, method, path in routes(app):
        for each in (client, inside):
            response = each.open(path, method=method)
            assert CODE not in response.text and CODE not in str(response.headers), path
            response.close()
