"""Alerts of whole servers: each arrives once, whoever raised it, and says nothing that it should not."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import db, migrate
from chatbot.config import load_settings
from tests.conftest import ROOT, Served, clean_environment, wait_for
from tests.fake_openai import FakeOpenAI, make_key
from tests.services.conftest import SECRET
from tests.sink import Sink
from tests.warm import flask

Serve = Callable[..., Served]

WORKER = """
import sys
from chatbot import db
from chatbot.alerts.address import load_addresses
from chatbot.alerts.alarm import Alarms
from chatbot.alerts.post import Post
from chatbot.config import load_settings
from chatbot.signing import load_signer
settings = load_settings()
engine = db.open_engine(settings)
alarms, post = Alarms(engine), Post(engine, load_addresses(settings, load_signer(settings)))
print("ready", flush=True)
sys.stdin.read()
for number in range(3):
    alarms.raise_alarm("key", f"key {number}", f"words {number}")
while post.deliver():
    pass
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_several_processes_raise_at_once_is_sent_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = f"sqlite:///{tmp_path}/chat.db" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    engine = db.open_engine(load_settings(_env_file=None, database_url=database, secret_key=SECRET))
    migrate.prepare(engine)
    engine.dispose()
    with Sink() as sink:
        variables = clean_environment(DATABASE_URL=database, SECRET_KEY=SECRET, ALERT_URLS=sink.url())
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER], cwd=ROOT, env=variables, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(3)
        ]  # fmt: skip
        for worker in workers:
            assert worker.stdout and worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin
            worker.stdin.close()
        said = ""
        for worker in workers:
            worker.wait(60)
            assert worker.stderr and worker.stdout
            said += worker.stderr.read()
            worker.stderr.close()
            worker.stdout.close()
        assert sorted(message.split("\n")[0] for message in sink.messages) == [f"words {number}" for number in range(3)]
        assert sorted(said.split("\n")) == ["", *(f"ALERT: words {number}" for number in range(3))]


def test_a_dead_key_and_a_budget_that_runs_out_reach_the_operator_without_a_key_or_a_chats_text(
    serve: Serve, fake: FakeOpenAI
) -> None:
    standby = make_key()
    fake.keys.add(standby)
    with Sink() as sink:
        served = serve(
            **fake.env, OPENAI_API_KEY_STANDBY=standby, WEB_CONCURRENCY=2, BUDGET_SITE_DAY="0.01", ALERT_AT=1,
            ALERT_URLS=sink.url("a-token-of-the-tests"),
        )  # fmt: skip
        fake.revoke(fake.key)
        for _ in range(4):
            visitor = served.visitor()
            assert visitor.say("What a confidential question! [fake: tokens 400]").status == 200
        wait_for(lambda: len(sink.got) == 2, 60, "both alerts")
        served.stop(signal.SIGTERM)
        assert len(sink.got) == 2
        dead, spent = sorted(sink.messages, key=lambda words: "budget" in words)
        assert dead.startswith("OpenAI refused key ") and "flask drill --real" in dead
        assert spent.startswith("1% of the site's budget of a day is spent: $0.00 of $0.01")
        told = f"{sink.got}"
        for secret in (fake.key, standby, "confidential"):
            assert secret[8:30] not in told
        assert "a-token-of-the-tests" not in served.log
        assert served.log.count("ALERT: ") == 2


def test_a_model_that_is_gone_is_told_once_by_name(serve: Serve, fake: FakeOpenAI) -> None:
    with Sink() as sink:
        served = serve(**fake.env, ALERT_URLS=sink.url())
        for _ in range(2):
            assert served.visitor().say("[fake: error model_not_found]").problem["code"] == "unavailable"
        wait_for(lambda: sink.got, 60, "the alert")
        served.stop(signal.SIGTERM)
        assert len(sink.messages) == 1
        assert sink.messages[0].startswith("gpt-6-luna is not to be had: the project has no access")


def test_addresses_that_cannot_be_used_stop_the_start_in_one_line_that_does_not_quote_them(serve: Serve) -> None:
    served = serve(wait=False, ALERT_URLS="json://127.0.0.1:9 tgram://hunter2")
    assert served.process.wait(60) != 0
    lines = [line for line in served.log.splitlines() if "ALERT_URLS" in line]
    assert len(lines) == 1 and "number 2" in lines[0]
    assert "hunter2" not in served.log and "Traceback" not in served.log


def test_the_command_sends_a_test_to_each_address_and_says_how_it_went(tmp_path: Path) -> None:
    def test(urls: str) -> tuple[int, str]:
        variables = clean_environment(DATABASE_URL=f"sqlite:///{tmp_path}/chat.db", ALERT_URLS=urls)
        ran = flask("alerts", "test", env=variables)
        return ran.returncode, ran.stdout + ran.stderr

    with Sink() as sink, Sink(403) as broken:
        assert test(sink.url("token-a")) == (0, "ok    json://127.0.0.1 took a test\n")
        assert sink.messages == ["This is a test of the alerts. Nothing is wrong."]
        code, said = test(f"{sink.url('token-a')}, {broken.url('token-b')}, tgram://hunter2")
        assert code == 1 and len(sink.got) == 2
        assert [line.split(".")[0] for line in said.splitlines() if line] == [
            "ok    json://127", "WRONG json://127", "WRONG Apprise does not know tgram, or lacks a library for it",
        ]  # fmt: skip
        assert "token" not in said.replace("its password or token", "") and "hunter2" not in said
    code, said = test("")
    assert code == 1 and said.startswith("WRONG ALERT_URLS is not set")
