"""Static files: kept for a year under the address of their version, never wrong, compressed once, never outside."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from chatbot.web.assets import FOR_EVER, deliver
from chatbot.web.compression import Compression

FILES = {
    "js/main.js": "import { a } from './deep/a.js';\nimport './b.js';\nconst late = import('./late.js');\n",
    "js/deep/a.js": "import {\n  c,\n} from '../c.js';\nexport { d } from '../d.js';\nexport const a = './e.js';\n",
    "js/b.js": "import x from'./c.js';import './main.js';\n",
    "js/c.js": "// import '../late.js'\n",
    "js/d.js": "import gone from './gone.js';\n",
    "js/late.js": "export default 1;\n",
    "css/one.css": "a { color: red }",
    "css/two.css": "b { color: blue }" * 20,
    "vendor/font.woff2": "font" * 300,
    ".secret": "hidden",
    ".git/config": "hidden",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "outside.txt").write_text("outside")
    return tmp_path / "static"


@pytest.fixture
def app(folder: Path) -> Flask:
    app = Flask(__name__, static_folder=str(folder))
    deliver(app)
    app.wsgi_app = Compression(app.wsgi_app)  # type: ignore[method-assign]
    app.add_url_rule("/", "page", lambda: render_template_string("{{ url_for('static', filename='js/main.js') }}" * 20))
    app.add_url_rule("/private", "private", lambda: ("<p>" * 99, {"Cache-Control": "no-store"}))
    app.add_url_rule("/data", "data", lambda: {"text": "a" * 999})
    app.add_url_rule("/events", "events", lambda: ("data: a\n\n" * 99, {"Content-Type": "text/event-stream"}))
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def address(client: FlaskClient, name: str) -> str:
    """Where a page finds the file."""
    start = client.get("/").text.split("js/main.js")[0]
    assert re.fullmatch(r"/static/v-[0-9a-f]{12}/", start)
    return start + name


def test_a_file_is_kept_for_a_year_under_the_address_that_pages_name(client: FlaskClient) -> None:
    response = client.get(address(client, "js/main.js"))
    assert response.text == FILES["js/main.js"]
    assert response.headers["Cache-Control"] == FOR_EVER == "public, max-age=31536000, immutable"


def test_the_plain_address_serves_the_file_and_asks_again_each_time(client: FlaskClient) -> None:
    response = client.get("/static/js/main.js")
    assert (response.text, response.headers["Cache-Control"]) == (FILES["js/main.js"], "no-cache")
    again = client.get("/static/js/main.js", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/static/js/b.js", headers={"If-None-Match": response.headers["ETag"]})
    assert other.status_code == 200


def test_a_changed_file_is_seen_at_the_next_view_and_under_another_version(client: FlaskClient, folder: Path) -> None:
    before = address(client, "js/b.js")
    (folder / "js" / "b.js").write_text("changed")
    assert client.get(before).text == FILES["js/b.js"], "what a version names never changes"
    after = address(client, "js/b.js")
    assert after != before
    assert client.get(after).text == client.get("/static/js/b.js").text == "changed"
    (folder / "js" / "new.js").write_text("new")
    assert client.get(address(client, "js/new.js")).text == "new"
    (folder / "js" / "new.js").unlink()
    assert client.get("/static/js/new.js").status_code == 404
    assert address(client, "js/b.js") == after, "the version is that of the contents, in every worker"


def test_a_page_of_an_old_version_gets_todays_files_but_may_not_keep_them(client: FlaskClient, folder: Path) -> None:
    before = address(client, "js/late.js")
    (folder / "js" / "late.js").write_text("changed")
    client.get("/")
    response = client.get(before)
    assert (response.text, response.headers["Cache-Control"]) == ("changed", "no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "%2e%2e/outside.txt",
        "js/../../outside.txt",
        "js/..%2f..%2foutside.txt",
        "v-000000000000/../../outside.txt",
        "v-000000000000/%2e%2e/outside.txt",
        "/etc/passwd",
        "%2Fetc/passwd",
        "js",
        "js/",
        "",
        "%00",
        "js/main.js%00",
        ".secret",
        ".git/config",
        "js/main.js+b.js",
        "css/one+one.css",
        "css/one+../../outside.css",
        "css/one+gone.css",
        "css/+.css",
    ],
)
def test_nothing_but_the_files_of_the_folder_can_be_had(client: FlaskClient, path: str) -> None:
    for way in ("/static/", address(client, "")):
        response = client.get(way + path)
        assert response.status_code in (404, 308) and "outside" not in response.text


def test_style_sheets_of_one_folder_come_in_one(client: FlaskClient) -> None:
    response = client.get(address(client, "css/two+one.css"))
    assert response.text == FILES["css/two.css"] + "\n" + FILES["css/one.css"]
    assert (response.mimetype, response.headers["Cache-Control"]) == ("text/css", FOR_EVER)


def test_text_is_compressed_for_who_takes_it_and_the_rest_is_left_alone(client: FlaskClient) -> None:
    sheet = address(client, "css/two.css")
    plain = client.get(sheet)
    for taken in ("gzip", "gzip, deflate, br", "*"):
        packed = client.get(sheet, headers={"Accept-Encoding": taken})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data).decode() == FILES["css/two.css"]
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(FILES["css/two.css"])
        assert packed.headers["ETag"] == plain.headers["ETag"] and packed.headers["ETag"].startswith("W/")
    for refused in ("", "br", "gzip;q=0", "identity"):
        assert "Content-Encoding" not in client.get(sheet, headers={"Accept-Encoding": refused}).headers
    headers = {"Accept-Encoding": "gzip"}
    assert plain.headers["Vary"] == client.get(sheet, headers=headers).headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(client.get("/", headers=headers).data).startswith(b"/static/v-")
    for path in ("/private", "/data", "/events", address(client, "vendor/font.woff2")):
        response = client.get(path, headers=headers)
        assert response.status_code == 200
        assert not {"Content-Encoding", "Vary"} & set(response.headers.keys()), path


def test_head_and_304_have_no_body_compressed_or_not(client: FlaskClient) -> None:
    sheet = address(client, "css/two.css")
    headers = {"Accept-Encoding": "gzip"}
    head = client.head(sheet, headers=headers)
    assert (head.status_code, head.data, head.headers["Cache-Control"]) == (200, b"", FOR_EVER)
    again = client.get(sheet, headers={**headers, "If-None-Match": head.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["Vary"]) == (304, b"", "Accept-Encoding")
    assert "Content-Encoding" not in again.headers


def test_a_type_does_not_depend_on_the_machine(client: FlaskClient, folder: Path) -> None:
    for name in ("a.svg", "a.png", "a.unknown"):
        (folder / name).write_text("x")
    expected = {
        "js/main.js": "text/javascript; charset=utf-8",
        "css/one.css": "text/css; charset=utf-8",
        "vendor/font.woff2": "font/woff2",
        "a.svg": "image/svg+xml",
        "a.png": "image/png",
        "a.unknown": "application/octet-stream",
    }
    assert {name: client.get(f"/static/{name}").headers["Content-Type"] for name in expected} == expected


def test_a_scripts_modules_are_what_it_imports_from_its_start_on(app: Flask) -> None:
    with app.test_request_context():
        found = app.extensions["assets"].modules("js/main.js")
    assert found == ["js/main.js", "js/deep/a.js", "js/b.js", "js/c.js", "js/d.js"]
