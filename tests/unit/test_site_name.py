"""SITE_NAME: what the app is called, wherever it names itself, and never as anything but text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatbot.config import load_settings
from chatbot.errors import SettingsError
from tests.conftest import ROOT
from tests.unit.built_app import build

DEFAULT = "Turnkey Chat"
ODD = """<b>"Fragen" & 'Antworten'</b>"""
ESCAPED = "&lt;b&gt;&#34;Fragen&#34; &amp; &#39;Antworten&#39;&lt;/b&gt;"
SERVED = [
    path
    for folder in ("templates", "static/js", "static/css")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file()
]


def test_every_page_and_the_installed_app_have_the_name_as_text(tmp_path: Path) -> None:
    client = build(tmp_path, site_name=ODD).test_client()
    for path in ("/", "/guide/get-a-key", "/nowhere"):
        page = client.get(path).text
        title = re.search(r"<title>(.*)</title>", page)
        assert title and title[1].endswith(ESCAPED), path
        assert f'<meta name="application-name" content="{ESCAPED}">' in page
        assert page.count(ESCAPED) == 3, "title, meta and brand"
        assert ODD not in page and DEFAULT not in page
    manifest = client.get("/manifest.webmanifest")
    told = json.loads(manifest.data)
    assert manifest.content_type == "application/manifest+json"
    assert (told["name"], told["short_name"]) == (ODD, ODD)


def test_so_does_the_door(tmp_path: Path) -> None:
    page = build(tmp_path, site_name=ODD, access_code="a code").test_client().get("/enter").text
    assert page.count(ESCAPED) == 3 and ODD not in page


@pytest.mark.parametrize("path", SERVED, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_served_has_a_name_of_its_own(path: Path) -> None:
    assert DEFAULT.encode() not in path.read_bytes()


@pytest.mark.parametrize("name", ["Frag’s", "پرسش‌وپاسخ", "  Ask  ", "x" * 40, "Q&A 🗝️"])
def test_a_name_is_one_line_in_any_script(name: str) -> None:
    assert load_settings(_env_file=None, site_name=name).site_name == name.strip()


@pytest.mark.parametrize(
    "name",
    [
        " ",
        "x" * 41,
        "two\nlines",
        "a\tb",
        "a\x00b",
        "a\x1b[31m",
        "a\u2028b",
        "a\u202eb",
        "\u200d",
        "\u3164",
        "\u0301" * 9,
    ],
)
def test_a_name_that_is_none_stops_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^SITE_NAME is not valid.*Example: SITE_NAME="):
        load_settings(_env_file=None, site_name=name)
