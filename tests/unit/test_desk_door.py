"""The desk's door: closed without a password, guessed at ten times and no more, and no way around it."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatbot.desk import tries
from chatbot.desk.deeds import DEEDS
from chatbot.errors import LimitReached
from tests.unit.built_app import OWN, PASSWORD, build, read, run
from tests.unit.desk_client import enter, post, signed_in


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return build(tmp_path_factory.mktemp("door"), trusted_proxies=1)


@pytest.fixture
def app(shared: Flask) -> Flask:
    run(shared, "DELETE FROM limit_counters")
    run(shared, "DELETE FROM sessions")
    return shared


def guess(client: FlaskClient, password: str = "a wrong guess") -> int:
    return enter(client, password).status_code


def lock(app: Flask) -> None:
    assert [guess(app.test_client()) for _ in range(10)] == [403] * 10


def routes(app: Flask) -> list[tuple[str, str]]:
    """Every method and address of the desk."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin"):
            paths = [rule.rule]
            if rule.arguments:
                paths = [f"/admin/{deed}" for deed in DEEDS]
            found += [(method, path) for path in paths for method in sorted((rule.methods or set()) - {"OPTIONS"})]
    return found


def test_without_a_password_there_is_no_desk(tmp_path: Path) -> None:
    app = build(tmp_path, admin_password=None)
    client = app.test_client()
    assert routes(app) == []
    nothing = client.get("/no-such-page")
    for path in ("/admin", "/admin/", "/admin/enter", "/admin/metrics"):
        answer = client.get(path)
        assert (answer.status_code, answer.data) == (404, nothing.data)
        assert client.post(path, headers=OWN).status_code == 404


@pytest.mark.parametrize(
    "cookie", [None, "", "made-up", "expired", "of another password", "of another secret", "signed out"]
)
def test_every_route_without_a_session_is_refused(app: Flask, tmp_path: Path, cookie: str | None) -> None:
    client = app.test_client()
    if cookie == "expired":
        client = signed_in(app)
        run(app, "UPDATE sessions SET expires_at = expires_at - 12 * 3600 * 1000 - 1000")
    elif cookie in ("of another password", "of another secret", "signed out"):
        client.set_cookie("desk", stolen(app, tmp_path, cookie), path="/admin")
    elif cookie is not None:
        client.set_cookie("desk", cookie, path="/admin")
    seen = routes(app)
    assert len(seen) > 10
    for method, path in seen:
        answer = client.open(path, method=method, headers=OWN, data={"why": "x", "password": "wrong " + path})
        if path == "/admin/enter":
            assert answer.status_code == (403 if method == "POST" else 200)
            continue
        if method == "POST":
            assert answer.status_code == 403, path
        else:
            assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/enter"), path
    assert read(app, "SELECT * FROM switches") == []


def stolen(app: Flask, folder: Path, how: str) -> str:
    """A cookie that was right once, or elsewhere with the same database."""
    settings = app.extensions["turnkey"].settings
    if how == "of another password":
        client = build(folder, database_url=settings.database_url, admin_password="another password").test_client()
        assert enter(client, "another password").status_code == 303
    elif how == "of another secret":
        client = signed_in(build(folder, database_url=settings.database_url, secret_key="another secret"))
    else:
        client = signed_in(app)
    assert client.get("/admin").status_code == 200
    cookie = client.get_cookie("desk", path="/admin")
    assert cookie
    if how == "signed out":
        assert post(client, "/admin/leave").headers["Location"] == "/admin/enter"
        assert client.get_cookie("desk", path="/admin") is None
    return cookie.value


def test_a_session_opens_every_page(app: Flask) -> None:
    client = signed_in(app)
    for path in ("/admin", "/admin/", "/admin/metrics"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
    assert [deed for _, deed in read(app, "SELECT who, deed FROM audit ORDER BY id DESC LIMIT 1")] == ["signed in"]


def test_its_files_are_there_and_its_tab_and_head_say_the_sites_name(tmp_path: Path) -> None:
    app = build(tmp_path, site_name="Ask & Answer")
    for client, path in ((app.test_client(), "/admin/enter"), (signed_in(app), "/admin")):
        page = client.get(path, headers=OWN).text
        assert page.count("Ask &amp; Answer") == 3 and "The desk · Ask &amp; Answer</title>" in page, path
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert len(files) > 4 and {client.get(file).status_code for file in files} == {200}


def test_the_cookie_is_for_this_desk_alone(app: Flask) -> None:
    client = app.test_client()
    plain = enter(client).headers["Set-Cookie"]
    assert "HttpOnly" in plain and "SameSite=Strict" in plain and "Path=/admin" in plain and "Max-Age=43200" in plain
    assert "Secure" not in plain
    secure = client.post(
        "/admin/enter",
        data={"password": PASSWORD},
        headers={"Origin": "https://localhost", "X-Forwarded-Proto": "https"},
    )
    assert "; Secure" in secure.headers["Set-Cookie"]


def test_the_database_does_not_hold_what_opens_the_desk(app: Flask) -> None:
    client = signed_in(app)
    cookie = client.get_cookie("desk", path="/admin")
    assert cookie
    house = app.extensions["turnkey"]
    house.engine.dispose()  # writes all into the file
    written = b"".join(path.read_bytes() for path in house.settings.sqlite_path.parent.iterdir())
    assert cookie.value.encode() not in written and PASSWORD.encode() not in written
    assert read(app, "SELECT id FROM sessions")[0][0].encode() in written


def test_after_ten_wrong_passwords_the_right_one_is_refused_too_also_after_a_restart(
    app: Flask, tmp_path: Path
) -> None:
    inside = signed_in(app)
    lock(app)
    answer = enter(app.test_client())
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "Try again in" in answer.text and "Set-Cookie" not in answer.headers
    assert inside.get("/admin").status_code == 200, "who is in stays in"
    restarted = build(tmp_path, database_url=app.extensions["turnkey"].settings.database_url)
    assert guess(restarted.test_client(), PASSWORD) == 429
    assert read(app, "SELECT count(*) FROM alerts WHERE kind = 'desk'") == [(1,)]


def test_each_wrong_password_counts_for_a_quarter_of_an_hour(app: Flask) -> None:
    lock(app)
    run(app, "UPDATE limit_counters SET expires_at = expires_at - 840000")
    assert guess(app.test_client()) == 429
    run(app, "UPDATE limit_counters SET expires_at = expires_at - 60000 WHERE key IN ('desk/3', 'desk/7')")
    assert [guess(app.test_client()) for _ in range(3)] == [403, 403, 429]
    run(app, "UPDATE limit_counters SET expires_at = expires_at - 60000 WHERE key = 'desk/0'")
    assert guess(app.test_client(), PASSWORD) == 303


def test_right_passwords_use_nothing_up(app: Flask) -> None:
    assert [guess(app.test_client(), PASSWORD) for _ in range(12)] == [303] * 12
    assert [guess(app.test_client()) for _ in range(9)] == [403] * 9
    assert guess(app.test_client(), PASSWORD) == 303
    assert [guess(app.test_client()) for _ in range(2)] == [403, 429]


@pytest.mark.parametrize("password", ["", "\0", "ä" * 5000, PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1], "\ud800"])
def test_only_the_very_password_opens_the_desk(app: Flask, password: str) -> None:
    answer = app.test_client().post(
        "/admin/enter", data={"password": password.encode(errors="surrogatepass")}, headers=OWN
    )
    assert answer.status_code == 403
    assert "That is not the password" in answer.text and "Set-Cookie" not in answer.headers


def test_of_fifty_tries_at_once_ten_have_a_place(app: Flask) -> None:
    engine = app.extensions["turnkey"].engine
    outcomes: list[str | None] = []
    start = threading.Barrier(50)

    def attempt() -> None:
        start.wait()
        try:
            outcomes.append(tries.take(engine))
        except LimitReached:
            outcomes.append(None)

    threads = [threading.Thread(target=attempt) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 50
    assert sorted(filter(None, outcomes)) == sorted(tries.PLACES)


REFUSED: list[dict[str, str]] = [
    {},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://friend.example"},
    {"Origin": "https://friend.example", "Sec-Fetch-Site": "same-site"},
]


@pytest.fixture(scope="module")
def befriended(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return build(tmp_path_factory.mktemp("friend"), allowed_origins="https://friend.example")


@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_nothing_is_done_unless_the_desks_own_page_sent_it(befriended: Flask, headers: dict[str, str]) -> None:
    client = signed_in(befriended)
    for path in ("/admin/pause", "/admin/enter", "/admin/leave"):
        answer = client.post(path, data={"why": "because", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403, path
        assert "Set-Cookie" not in answer.headers
    assert read(befriended, "SELECT * FROM switches") == []
    assert client.get("/admin").status_code == 200


def test_another_front_end_cannot_read_the_desk(befriended: Flask) -> None:
    client = signed_in(befriended)
    friend = {"Origin": "https://friend.example", "Sec-Fetch-Site": "same-site"}
    for path in ("/admin", "/admin/metrics"):
        answer = client.get(path, headers=friend)
        assert answer.status_code == 403 and "spent" not in answer.text.lower()
    assert client.get("/admin", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200, "a link is no theft"


def test_a_form_of_the_desk_tells_its_origin(app: Flask) -> None:
    """Under `no-referrer` browsers send a POST with the origin `null`, and over plain HTTP nothing else to go by."""
    for client in (app.test_client(), signed_in(app)):
        assert client.get("/admin", follow_redirects=True).headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path,status",
    [
        ("/guide", 302), ("/guide/", 302), ("/guide/get-a-key", 200), ("/guide/get-a-key/", 200), ("/admin", 303),
        ("/admin/", 303), ("/enter", 302), ("/enter/", 302), ("//guide", 302), ("//evil.example/..", 404),
        ("/guide//get-a-key", 404), ("/api//me", 404),
    ],
)  # fmt: skip
def test_no_address_leads_to_a_host_that_the_request_names(app: Flask, path: str, status: int) -> None:
    asked = {"PATH_INFO": path, "HTTP_X_FORWARDED_HOST": "evil.example"}
    response = app.test_client().get("/", environ_overrides=asked)
    assert response.status_code == status
    if 300 <= status < 400:
        assert re.fullmatch("/([a-z][a-z/-]*)?", response.headers["Location"])
        assert response.headers["Cache-Control"] == "no-store"
