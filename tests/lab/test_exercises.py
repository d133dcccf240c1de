"""The lab's exercises are small, are told in full, and can be done in two hours."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from chatbot.book import LAB, load
from chatbot.config import ROOT
from lab.exercises import LAB as FOLDER
from lab.exercises import Exercise, exercises
from tests.conftest import clean_environment
from tests.fake_openai import make_key

EXERCISES = exercises()
PARTS = ["The mistake", "The attack", "What it costs", "The cure", "In this app"]
PAGES = {page.slug: page for page in load(ROOT) if page.shelf == LAB}
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


def test_there_are_sixteen_and_they_are_numbered_without_a_gap() -> None:
    assert [exercise.number for exercise in EXERCISES] == list(range(1, 17))


@each
def test_an_app_has_less_than_forty_lines_and_starts_by_the_lab_alone_and_for_this_machine(exercise: Exercise) -> None:
    text = (exercise.folder / "app.py").read_text()
    assert len(text.splitlines()) < 40
    assert 'os.environ["LAB_PORT"]' in text or "os.environ['LAB_PORT']" in text
    assert "127.0.0.1" in text and "0.0.0.0" not in text


def test_by_hand_an_app_does_not_start_whatever_key_there_is() -> None:
    variables = {"OPENAI_API_KEY": make_key(), "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "PORT": "0"}
    command = [sys.executable, EXERCISES[6].folder / "app.py"]
    ran = subprocess.run(
        command, env=clean_environment(**variables), capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode and "LAB_PORT" in ran.stderr


@each
def test_a_cure_is_small_and_names_the_app_alone(exercise: Exercise) -> None:
    lines = exercise.cure.read_text().splitlines()
    assert lines[:2] == ["--- app.py", "+++ app.py"]
    assert 2 <= len([line for line in lines[2:] if line[0] in "+-"]) <= 20


@each
def test_an_attack_says_what_it_does_in_a_line(exercise: Exercise) -> None:
    assert exercise.attack.endswith(".") and len(exercise.attack) < 90


@each
def test_a_page_has_its_parts_each_with_how_people_ask_for_it(exercise: Exercise) -> None:
    page = PAGES[f"lab/{exercise.name}"]
    assert page.title == exercise.title and page.title.startswith(f"{exercise.number}. ")
    assert [section.title for section in page.sections] == PARTS
    assert all(section.asked.count(",") and section.text for section in page.sections)
    assert {anchor.kind for anchor in page.sections[-1].anchors} == {"code", "test", "command"}
    assert 100 <= len(" ".join(section.text for section in page.sections).split()) <= 250


def test_the_labs_page_lists_every_exercise_and_asks_for_two_hours() -> None:
    rows = re.findall(
        r"^\| (\d+) \| \[(.+?)\]\((.+?)/README\.md\) \| .+ \| (\d+) \|$", (FOLDER / "README.md").read_text(), re.M
    )
    assert [(f"{number}. {title}", name) for number, title, name, _ in rows] == [
        (exercise.title, exercise.name) for exercise in EXERCISES
    ]
    assert 90 <= sum(int(minutes) for *_, minutes in rows) <= 120
