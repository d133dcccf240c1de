"""Every attack of the lab works on its broken app, and fails on the cured one and on this app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from lab import browser
from lab.check import EXPECTED, trials
from lab.exercises import Exercise, exercises
from lab.stage import Stage
from lab.trial import try_on
from tests.answering import answering, give
from tests.conftest import free_port, needed

EXERCISES = exercises()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("lab"))
    try:
        stage.open()
        yield stage
    finally:
        stage.close()


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_an_attack_works_on_the_broken_app_alone_and_costs_what_its_page_says(stage: Stage, exercise: Exercise) -> None:
    made = trials(stage, exercise)
    told = "\n".join(f"{kind}: {line}" for kind, trial in made.items() for line in trial.output)
    assert {kind: trial.outcome for kind, trial in made.items()} == EXPECTED, told
    cost = (exercise.folder / "README.md").read_text().partition("## What it costs")[2].partition("\n## ")[0]
    assert [sum_ for sum_ in re.findall(r"\$\d+\.\d+", cost) if sum_ not in "\n".join(made["broken"].output)] == [], (
        told
    )
    if "13" in exercise.name and "no browser looked" in told:
        needed(None, "Chromium")


def test_an_attack_that_meets_no_app_is_not_taken_for_one_that_failed(stage: Stage) -> None:
    exercise = EXERCISES[0]
    app = stage.small_app(exercise, "nobody")
    stage.end(app)
    trial = try_on(stage, exercise, replace(app, url=f"http://127.0.0.1:{free_port()}"))
    assert trial.outcome == "could not be made"


@pytest.mark.parametrize(
    ("number", "outcome", "changes"),
    [
        (1, "could not be made", {'os.environ["OPENAI_API_KEY"]': '""'}),
        (2, "could not be made", {'os.environ["OPENAI_API_KEY"]': '""'}),
        (5, "could not be made", {", debug=True": "", '@app.post("/chat")': ""}),
        (7, "worked", {"def chat():": "def chat(asked=[]):\n    asked += '.'\n    if asked[39:]: return '', 429"}),
        (9, "worked", {'request.headers.get("X-Forwarded-For", request.remote_addr)': "''", "LIMIT, W": "_, W",
                       "<= LIMIT": "< 40"}),
        (13, "could not be made", {"{{ answer | safe }}": "{{ question }}"}),
    ],
)  # fmt: skip
def test_an_app_of_ones_own_that_answers_nobody_or_nearly_everybody_solves_nothing(
    stage: Stage, tmp_path: Path, number: int, outcome: str, changes: dict[str, str]
) -> None:
    given = EXERCISES[number - 1]
    exercise = Exercise(tmp_path / given.name)
    text = (given.folder / "app.py").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    exercise.folder.mkdir()
    exercise.mine.write_text(text)
    app = stage.small_app(exercise, "mine")
    trial = try_on(stage, exercise, app)
    stage.end(app)
    assert trial.outcome == outcome, trial.output


@pytest.mark.parametrize(
    ("html", "policy", "runs"),
    [
        ("<img src=x onerror=alert(1)>", "", True),
        ("<script>alert(1)</script>", "", True),
        ("<script>alert(1)</script>", "script-src 'self' 'unsafe-inline'", True),
        ("<script>alert(1)</script>", "script-src 'self'", False),
        ("&lt;img src=x onerror=alert(1)&gt;", "", False),
        ("<script src=/own.js></script>", "", False),
    ],
)
def test_without_a_browser_a_page_is_read_as_one_would(
    html: str, policy: str, runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_in_chromium", missing)
    with page(f"{html} the end", policy) as url:
        seen = browser.visit(url, "/", {}, until="the end")
    assert (seen.ran, seen.shown) == (runs, True)
    assert seen.words == "The page was read: no browser looked. `make test` installs one."


@pytest.mark.parametrize(("status", "policy", "shown"), [(200, "script-src 'self'", True), (200, "", False),
                                                         (404, "script-src 'self'", False)])  # fmt: skip
def test_without_a_browser_a_page_that_a_script_fills_must_at_least_be_there(
    status: int, policy: str, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_in_chromium", missing)
    with page("", policy, status) as url:
        seen = browser.visit(url, "/", {}, until="the end")
    assert (seen.ran, seen.shown) == (False, shown)
    assert seen.words == "Only the policy was read: no browser looked. `make test` installs one."


def missing(*_: object) -> browser.Seen:
    raise ImportError


def page(html: str, policy: str, status: int = 200) -> AbstractContextManager[str]:
    """A server that gives this page, with this policy, at every address; its address."""
    return answering(lambda request: give(request, status, html.encode(), Content_Security_Policy=policy))


def test_the_lab_calls_nobody_beyond_this_machine(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.openai = "https://api.openai.com"
    with pytest.raises(ValueError, match="beyond this machine"):
        stage.open()
    assert not list(tmp_path.glob("*.log")), "nothing was started"
