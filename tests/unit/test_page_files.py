"""What the pages ask for: every file is there, named by its version, and open before the door."""

from __future__ import annotations

import re
import time
from posixpath import dirname, join, normpath

import pytest
from flask import Flask, Response

from chatbot.key.watch import watch
from chatbot.web.assets import FOR_EVER
from tests.conftest import ROOT
from tests.fake_openai import make_key
from tests.unit.built_app import build

STATIC = ROOT / "static"
CODE = "a code for the door"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The real app."""
    return build(tmp_path_factory.mktemp("assets"), access_code=CODE)


def test_every_import_of_our_scripts_leads_to_a_file() -> None:
    named = re.compile(r"""(?:\bfrom|\bimport\(?)\s*['"](\.[^'"]+)['"]""")
    found = {
        (path.relative_to(STATIC).as_posix(), target)
        for path in (STATIC / "js").rglob("*.js")
        for target in named.findall(path.read_text())
    }
    assert len(found) > 50
    assert not [each for each in found if not (STATIC / normpath(join(dirname(each[0]), each[1]))).is_file()]


def test_the_shell_is_small_and_the_page_asks_for_all_modules_by_name(house: Flask) -> None:
    with house.test_request_context():
        assets = house.extensions["assets"]
        shell, rest = assets.modules("js/main.js"), assets.modules("js/chat.js")
    assert {"js/composer/composer.js", "js/words/en.js"} <= set(shell) and len(shell) < 25
    assert "js/conversation/conversation.js" in rest and "js/settings/settings.js" not in rest
    assert sum(len((STATIC / name).read_bytes()) for name in shell) < 40_000


def test_every_page_names_its_files_by_their_version_and_all_of_them_are_there(house: Flask) -> None:
    stranger, guest = house.test_client(), house.test_client()
    assert guest.post("/enter", data={"code": CODE}).status_code == 204
    named: set[str] = set()
    for client, pages in ((stranger, ("/enter",)), (guest, ("/", "/guide/get-a-key", "/guide/nowhere"))):
        for page in pages:
            found = re.findall(r'(?:href|src)="(/static/[^"]+|/manifest.webmanifest)"', client.get(page).text)
            assert len(found) > 4, page
            named |= set(found)
    for path in named:
        response = stranger.get(path)
        assert response.status_code == 200, path
        assert (response.headers["Cache-Control"] == FOR_EVER) == path.startswith("/static/v-"), path
    assert [path for path in named if not path.startswith("/static/v-")] == ["/manifest.webmanifest"]


def test_a_look_for_changes_is_quick(house: Flask) -> None:
    with house.test_request_context():
        house.extensions["assets"].address("js/main.js")
    began = time.process_time()
    for _ in range(20):
        with house.test_request_context():
            house.extensions["assets"].address("js/main.js")
    assert (time.process_time() - began) / 20 < 0.02


def test_search_engines_are_kept_out_of_chats(house: Flask) -> None:
    client = house.test_client()
    rules = client.get("/robots.txt")
    assert rules.mimetype == "text/plain"
    assert {f"Disallow: {path}" for path in ("/c/", "/api/", "/admin", "/enter")} <= set(rules.text.splitlines())
    assert client.post("/enter", data={"code": CODE}).status_code == 204
    assert client.get("/c/abcdefgh").headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get("/").headers


def test_a_page_is_sent_again_only_when_it_changed(house: Flask) -> None:
    client = house.test_client()
    page = client.get("/guide/get-a-key")
    assert page.headers["Cache-Control"] == "no-cache"
    again = client.get("/guide/get-a-key", headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("endpoint,path", [("pages.guide", "/guide/get-a-key"), ("static", "/static/js/main.js")])
def test_the_last_guard_hears_a_key_before_it_is_compressed(
    house: Flask, monkeypatch: pytest.MonkeyPatch, endpoint: str, path: str
) -> None:
    key = make_key()
    watch.add(key)
    told = Response(f"the key: {key}", mimetype="text/html" if endpoint == "pages.guide" else "text/javascript")
    monkeypatch.setitem(house.view_functions, endpoint, lambda **_: told)
    answer = house.test_client().get(path, headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "Content-Encoding" not in answer.headers
