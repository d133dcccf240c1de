"""What README and reference say of the app is so: budgets, rooms, tables, threats, exit codes, backups, pictures."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from chatbot.chats.beat import HEARTBEAT_S
from chatbot.chats.live import SILENCE_S
from chatbot.chores import SWEEP_S
from chatbot.config import ROOT, Settings
from chatbot.db import DEAD_AFTER_MS
from chatbot.reload import LONGEST_REPLY_S
from chatbot.tables import metadata
from tests.test_house_rules import FLOORS
from tests.unit.built_app import build
from tests.unit.test_docs_names import FLASKS_OWN, leaves
from tests.unit.written import DOCS, links, rows, words

README = ROOT / "README.md"
REFERENCE = ROOT / "docs/reference"
PICTURE = ROOT / "docs/pictures/architecture.svg"
OPTIONAL = {"desk", "tutor"}  # rooms that may be taken out, which the picture then still shows
MOST_FILM_BYTES = 1_500_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return build(tmp_path_factory.mktemp("docs"))


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 90


def test_the_readme_promises_the_worst_day_of_the_default() -> None:
    default = Settings.model_fields["budget_site_day"].default
    assert f"${default:.0f} a day, unless" in " ".join(README.read_text().split())


def test_the_changelog_knows_this_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version
    assert f"## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()


def test_the_list_of_the_reference_has_all_its_pages() -> None:
    listed = {(REFERENCE / link.text).resolve() for link in links(REFERENCE / "README.md")}
    below_docs = {page for page in DOCS if page.parent == ROOT / "docs"} - {ROOT / "docs/tour.md"}
    assert {*REFERENCE.glob("*.md"), *below_docs} - {REFERENCE / "README.md"} == listed


def test_every_threat_names_tests_that_exist() -> None:
    page = REFERENCE / "threats.md"
    found = [row for kind in re.findall(r"(?m)^## (.+)$", page.read_text()) for row in rows(page, kind)]
    assert len(found) >= 26
    for path, _, tests in found:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named and len(named) == len(words(tests)), f"{path}: each test by file and function"
        for file, name in named:
            assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def existing_rooms() -> set[str]:
    found = {path.parent.name for path in (ROOT / "chatbot").glob("*/*.py")} - OPTIONAL
    return found | {name for name in OPTIONAL if (ROOT / "chatbot" / name).is_dir()}


def test_the_rooms_of_the_table_are_the_folders_that_are_there() -> None:
    told = {words(name)[0] for name, _ in rows(REFERENCE / "architecture.md", "The rooms")}
    assert told - OPTIONAL == existing_rooms() - OPTIONAL and existing_rooms() & OPTIONAL <= told


def test_the_picture_shows_every_room_on_its_floor() -> None:
    boxes = re.findall(
        r'<rect class="room[^"]*" x="\d+" y="(\d+)".*?<text class="name"[^>]*>(\w+)<', PICTURE.read_text()
    )
    heights = {name: int(y) for y, name in boxes}
    assert existing_rooms() <= set(heights)
    there = {path.stem for path in [ROOT / "app.py", *(ROOT / "chatbot").iterdir()] if path.exists()}
    assert set(heights) - there <= OPTIONAL
    floors = [{heights[name] for name in rooms if name in heights} for rooms in FLOORS]
    shown = [floor for floor in floors if floor]
    assert [len(floor) for floor in shown] == [1] * len(shown)
    assert shown == sorted(shown, key=min) and len(set().union(*shown)) == len(shown)


def test_the_tables_that_are_told_are_those_of_the_database() -> None:
    told = [words(name)[0] for name, _ in rows(REFERENCE / "architecture.md", "What stands in the database")]
    assert sorted(told) == sorted(metadata.tables)


def test_the_times_that_are_told_are_those_of_the_code() -> None:
    text = " ".join((REFERENCE / "architecture.md").read_text().split())
    config = dict(re.findall(r"(?m)^(\w+) = (\d+)", (ROOT / "gunicorn.conf.py").read_text()))
    graceful_s = int(config["graceful_timeout"])
    for words_of_it in (
        f"Every {SWEEP_S} seconds",
        f"without a sign of life for {DEAD_AFTER_MS // 1000} seconds",
        f"up to {graceful_s - int(config['KEEPING_S'])} seconds",
        f"within {graceful_s}.",
    ):
        assert words_of_it in text
    assert "the text of its answers each second" in text and HEARTBEAT_S == 1
    assert "for up to half an hour" in text and LONGEST_REPLY_S == 1800
    assert f"nothing was sent for {SILENCE_S} seconds" in (REFERENCE / "http.md").read_text()


def test_every_command_ends_with_2_when_it_is_asked_for_what_it_has_not(app: Flask) -> None:
    told = {int(code): meaning for code, meaning in rows(REFERENCE / "commands.md", "Exit codes")}
    assert sorted(told) == [0, 1, 2] and "an option" in told[2]
    runner = app.test_cli_runner()
    for name, _ in leaves(app.cli, "flask"):
        if name.split()[1] not in FLASKS_OWN:
            assert runner.invoke(args=[*name.split()[1:], "--nothing"]).exit_code == 2, name


def test_the_backup_of_the_upgrade_page_holds_what_the_database_holds(tmp_path: Path) -> None:
    """While it is open and written to."""
    text = (REFERENCE / "upgrading.md").read_text()
    (code,) = re.findall(r'(?m)^\.venv/bin/python -c "(.+)"$', text)
    (tmp_path / "instance").mkdir()
    database = sqlite3.connect(tmp_path / "instance/chat.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.executescript("CREATE TABLE t (said TEXT); INSERT INTO t VALUES ('hello');")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    database.close()
    backup = sqlite3.connect(tmp_path / "instance/backup.db")
    assert backup.execute("SELECT said FROM t").fetchall() == [("hello",)]
    backup.close()


def test_the_film_moves_is_short_and_has_a_still_picture_for_those_who_want_no_motion() -> None:
    (film, still) = (ROOT / "docs" / name for name in ("film.webp", "film.png"))
    assert film.stat().st_size <= MOST_FILM_BYTES
    with Image.open(film) as moving, Image.open(still) as standing:
        assert moving.format == "WEBP" and moving.n_frames > 20 and moving.width <= 960
        assert moving.size == standing.size
        shown_ms = 0
        for number in range(moving.n_frames):
            moving.seek(number)
            moving.load()
            shown_ms += moving.info["duration"]
    assert 8_000 <= shown_ms <= 15_000
    text = README.read_text()
    assert re.search(r'<source media="\(prefers-reduced-motion: reduce\)" srcset="docs/film.png">', text)
    assert re.search(r'<img src="docs/film.webp"[^>]* alt="[^"]{40,}"', text)
