"""`flask pause` and `flask resume`: they say what they did, keep a record of it, and every worker obeys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, select

from app import create_app
from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.money import switches
from chatbot.money.switches import Pause
from tests.conftest import Served, clean_environment, wait_for
from tests.fake_openai import FakeOpenAI, make_key
from tests.warm import flask

Serve = Callable[..., Served]
HOUR_MS = 3_600_000


class Operator:
    """Types commands into an app's database."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.engine: Engine = app.extensions["turnkey"].engine

    def types(self, *arguments: str) -> Result:
        return self.app.test_cli_runner().invoke(args=list(arguments))

    @property
    def pause(self) -> Pause | None:
        return switches.look(self.engine).pause

    def deeds(self) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(tables.audit.c.who, tables.audit.c.deed))]


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    made = Operator(create_app(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db")))
    migrate.prepare(made.engine)
    yield made
    made.engine.dispose()


def test_a_pause_says_what_it_does_and_is_kept_with_its_reason(operator: Operator) -> None:
    before = db.now_ms()
    result = operator.types("pause", "--why", "  too dear\n today ")
    assert result.exit_code == 0
    assert "Paused until `flask resume`." in result.output
    assert "Answers under way are written to their end; --now would stop them." in result.output
    pause = operator.pause
    assert pause and before <= pause.at <= db.now_ms()
    assert pause == Pause("too dear today", "command", pause.at)
    result = operator.types("resume")
    assert result.exit_code == 0
    assert re.fullmatch(r"Resumed: .* set at 20\d\d-.* UTC by command: too dear today\.\n", result.output)
    assert operator.pause is None
    assert operator.deeds() == [("command", "paused: too dear today"), ("command", "resumed")]


def test_a_pause_can_stop_answers_and_end_by_itself(operator: Operator) -> None:
    result = operator.types("pause", "--why", "a leak", "--now", "--for", "2h")
    assert "Answers under way are stopped" in result.output
    assert re.search(r"Paused until 20\d\d-\d\d-\d\d \d\d:\d\d UTC, or `flask resume` before that", result.output)
    pause = operator.pause
    assert pause and pause.stops_replies and pause.until == pause.at + 2 * HOUR_MS


@pytest.mark.parametrize(
    "given,length_ms", [("90s", 90_000), ("30m", 1_800_000), ("1h30m", 5_400_000), ("1d", 86_400_000)]
)
def test_a_time_is_read_in_the_usual_units(operator: Operator, given: str, length_ms: int) -> None:
    assert operator.types("pause", "--why", "x", "--for", given).exit_code == 0
    pause = operator.pause
    assert pause and pause.until == pause.at + length_ms


@pytest.mark.parametrize("given", ["2", "soon", "-1h", "0s", "0.1s", "", "400d", "9" * 400 + "d", "2 h", "1y"])
def test_a_time_that_makes_no_sense_pauses_nothing(operator: Operator, given: str) -> None:
    result = operator.types("pause", "--why", "x", "--for", given)
    assert (result.exit_code, "such as 90s, 30m, 2h" in result.output) == (2, True)
    assert operator.pause is None


@pytest.mark.parametrize("arguments", [[], ["--why", ""], ["--why", " \n"]], ids=["none", "empty", "blank"])
def test_a_pause_without_a_reason_is_refused(operator: Operator, arguments: list[str]) -> None:
    result = operator.types("pause", *arguments)
    assert (result.exit_code, "--why" in result.output) == (2, True)
    assert operator.pause is None and operator.deeds() == []


def test_a_key_in_a_reason_is_taken_out(operator: Operator) -> None:
    key = make_key()
    operator.types("pause", "--why", f"leaked: {key}")
    assert operator.deeds() == [("command", "paused: leaked: [key]")]


def test_a_second_pause_takes_the_place_of_the_first(operator: Operator) -> None:
    operator.types("pause", "--why", "one", "--now")
    result = operator.types("pause", "--why", "two")
    assert re.search(r"takes the place of a pause set at .* by command: one\.", result.output)
    pause = operator.pause
    assert pause and (pause.why, pause.stops_replies) == ("two", False)


def test_to_resume_what_was_not_paused_is_no_fault(operator: Operator) -> None:
    result = operator.types("resume")
    assert (result.exit_code, result.output) == (0, "Nothing was paused.\n")
    operator.types("pause", "--why", "x", "--for", "1s")
    wait_for(lambda: operator.pause is None)
    assert operator.types("resume").output == "Nothing was paused.\n"
    assert operator.deeds() == [("command", "paused for a while: x")]


@pytest.mark.parametrize("command", [["pause", "--why", "x"], ["resume"]], ids=["pause", "resume"])
def test_a_pause_that_cannot_be_written_is_a_fault_and_says_so(command: list[str]) -> None:
    settings = load_settings(
        _env_file=None, database_url="postgresql://chat@127.0.0.1:9/none", secret_key="of the tests alone"
    )
    result = Operator(create_app(settings)).types(*command)
    assert result.exit_code == 2
    assert result.output.startswith("Error: The database fails: OperationalError.")
    assert "aused" not in result.output and "esumed" not in result.output


def test_every_worker_obeys_a_pause_and_a_resumption(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, WEB_CONCURRENCY=2)

    environment = clean_environment(DATABASE_URL=served.database)
    assert served.visitor().say("Hello").types[-1] == "finish"
    flask("pause", "--why", "a test", env=environment).check_returncode()
    for _ in range(8):
        reply = served.visitor().say("Hello")
        assert (reply.status, reply.problem["code"]) == (503, "paused")
    assert len(fake.calls) == 1
    flask("resume", env=environment).check_returncode()
    assert served.visitor().say("Hello").types[-1] == "finish"


def test_a_pause_that_must_be_now_stops_answers_under_way(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env)
    response = served.visitor().post(served.visitor().body("[fake: tokens 2000; delay 50]"))
    wait_for(lambda: fake.calls and fake.calls[0].pieces)
    for arguments in (["pause", "--why", "a test"], ["pause", "--why", "a test", "--now"]):
        assert fake.calls[0].closed_at is None, "only --now stops it"
        flask(*arguments, env=clean_environment(DATABASE_URL=served.database)).check_returncode()
    assert fake.wait(lambda: fake.calls[0].closed_at)
    assert b'"type":"abort"' in response.read()
