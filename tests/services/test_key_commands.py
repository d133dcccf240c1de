"""`flask keys`, `flask doctor` and `flask drill`: each says what it found and the fix, and exits by it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlalchemy import update

from chatbot import db, tables
from chatbot.config import load_settings
from tests.answering import answering, give
from tests.conftest import ROOT, Served, clean_environment
from tests.fake_openai import FakeOpenAI, make_key
from tests.warm import flask

Serve = Callable[..., Served]


class Desk:
    """Where an operator types: a checkout or a copy of it, with these variables."""

    def __init__(self, folder: Path, checkout: Path = ROOT, **variables: object) -> None:
        self.folder, self.checkout = folder, checkout
        self.variables = {"DATABASE_URL": f"sqlite:///{folder}/chat.db", **variables}
        self.said = ""

    def flask(self, *arguments: str, typed: str = "", **variables: object) -> tuple[int, str]:
        environment = clean_environment(**{**self.variables, **variables})
        ran = flask(*arguments, env=environment, cwd=self.checkout, typed=typed)
        self.said += ran.stdout + ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    def age(self, days: int) -> None:
        """Every key was first seen so many days ago."""
        engine = db.open_engine(load_settings(_env_file=None, database_url=self.variables["DATABASE_URL"]))
        with db.writing(engine) as connection:
            connection.execute(update(tables.keys).values(first_seen_at=db.now_ms() - days * 86_400_000))
        engine.dispose()


@pytest.fixture
def key_file(fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_text(fake.key)
    path.chmod(0o400)
    return path


@pytest.fixture
def desk(fake: FakeOpenAI, tmp_path: Path, key_file: Path) -> Desk:
    return Desk(tmp_path, **fake.env_without_key, OPENAI_API_KEY_FILE=key_file)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout, under git, without an `.env`."""
    house = tmp_path / "checkout"
    names = shutil.ignore_patterns(".git", ".venv", ".env", ".*_cache", "instance", "node_modules", "tests", "bench")
    shutil.copytree(ROOT, house, ignore=names)
    subprocess.run(["git", "init", "-q", house], check=True)
    return house


def test_without_a_key_the_doctor_is_content_and_says_how_to_go_live(tmp_path: Path, checkout: Path) -> None:
    code, said = Desk(tmp_path, checkout).flask("doctor")
    assert code == 0, said
    assert "the built-in tutor answers. To go live: docs/guide/get-a-key.md" in said
    assert "WRONG" not in said and "chatbot.start" not in said, "and it says nothing but what was asked"


def test_the_doctor_finds_everything_right(fake: FakeOpenAI, tmp_path: Path, key_file: Path, checkout: Path) -> None:
    code, said = Desk(tmp_path, checkout, **fake.env_without_key, OPENAI_API_KEY_FILE=key_file).flask("doctor")
    assert code == 0, said
    for found in (
        "(project key): in use", "git ignores .env", "keys go to 127.0.0.1 by responses", "works: 127.0.0.1 lists",
        "model gpt-6-luna is offered, with no shutdown date", "the debugger is off", "no proxy is trusted",
        "the database answers", "the limits' store answers",
        "model gpt-6-luna costs $0.10 in, $0.50 out per million tokens", "the prices of genai-prices are ",
        "worst case: $5.00 a day (the budget of a day), $50.00 a month (the budget of a month)",
    ):  # fmt: skip
        assert found in said
    assert [call.path for call in fake.requests] == ["/v1/models"], "one call, which is free"
    assert fake.bill().nano_dollars == 0


def test_the_doctor_says_what_is_wrong_and_the_fix(
    fake: FakeOpenAI, tmp_path: Path, key_file: Path, checkout: Path
) -> None:
    key_file.chmod(0o644)
    (checkout / ".gitignore").write_text("instance/\n")
    (checkout / ".env").write_text("OPENAI_MODELS=gpt-5-mini,gone-model\nMODEL_PRICES=gone-model=1/1/1\n")
    (checkout / ".env").chmod(0o644)
    desk = Desk(
        tmp_path, checkout, **fake.env_without_key, OPENAI_API_KEY_FILE=key_file, FLASK_DEBUG="1", K_SERVICE="x",
        DATABASE_URL="postgresql://chat@127.0.0.1:9/none", SECRET_KEY="s" * 20,
        RATELIMIT_STORAGE_URI="redis://127.0.0.1:9",
    )  # fmt: skip
    code, said = desk.flask("doctor")
    assert code == 1
    for found in (
        rf"WRONG other users can read {key_file} \(mode 0644\). Fix: chmod 400",
        r"WRONG git does not ignore .env. Fix: add a line .env to .gitignore",
        r"WRONG other users can read .env \(mode 0644\). Fix: chmod 600",
        r"(note |WRONG) model gpt-5-mini is shut down on 2026-12-11, in -?\d+ days",
        r"WRONG model gone-model is not among those that this key may use. Fix: ",
        r"ok    model gone-model costs \$1.00 in, \$1.00 out per million tokens by MODEL_PRICES",
        r"ok    worst case: \$",
        r"note  FLASK_DEBUG is on",
        r"WRONG Cloud Run puts a router in front, so all visitors share its address. Fix: TRUSTED_PROXIES=1",
        r"WRONG the database fails: OperationalError. Fix: ",
        r"WRONG the limits' store fails: \w+. Fix: ",
    ):
        assert re.search(found, said), f"{found}\n{said}"
    assert fake.key not in said


def test_the_start_warns_of_an_env_file_that_others_can_read_as_the_doctor_does(tmp_path: Path, checkout: Path) -> None:
    (checkout / ".env").write_text("LOG_FORMAT=text\n")
    for mode, words in ((0o644, "WRONG other users can read .env"), (0o640, "no user outside its group can read .env")):
        (checkout / ".env").chmod(mode)
        assert words in Desk(tmp_path, checkout).flask("doctor")[1]
        ran = subprocess.run(
            [sys.executable, "-c", "from app import create_app; create_app()"], cwd=checkout,
            env=clean_environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert (f"can read {checkout}/.env: chmod 600" in ran.stderr) == (mode == 0o644)


def test_an_env_file_that_git_tracks_is_wrong_though_it_is_ignored(tmp_path: Path, checkout: Path) -> None:
    (checkout / ".env").write_text("LOG_FORMAT=text\n")
    (checkout / ".env").chmod(0o600)
    subprocess.run(["git", "-C", checkout, "add", "-f", ".env"], check=True)
    code, said = Desk(tmp_path, checkout).flask("doctor")
    assert code == 1
    assert "WRONG git tracks .env" in said and "revoke each key" in said


def test_a_debugger_for_others_is_refused_by_the_doctor_too(desk: Desk) -> None:
    code, said = desk.flask("doctor", FLASK_DEBUG="1", HOST="0.0.0.0")
    assert code != 0
    assert "FLASK_DEBUG is on" in said and "Traceback" not in said


def test_a_key_that_openai_refuses_is_named_by_its_fingerprint_with_the_fix(desk: Desk, fake: FakeOpenAI) -> None:
    standby = fake.new_key("svcacct")
    desk.variables["OPENAI_API_KEY_STANDBY"] = standby
    desk.flask("db", "upgrade")
    assert desk.flask("keys", "verify")[0] == 0
    fake.revoke(fake.key)
    code, said = desk.flask("keys", "verify")
    assert code == 1
    assert "from OPENAI_API_KEY_FILE does not work" in said and "from OPENAI_API_KEY_STANDBY works" in said
    code, said = desk.flask("keys", "status")
    assert code == 1
    assert "(project key): refused by OpenAI since" in said
    assert "(service account key): in use" in said
    fake.restore(fake.key)
    assert desk.flask("keys", "verify")[0] == 0
    code, said = desk.flask("keys", "status")
    assert (code, "(project key): in use" in said) == (0, True), "the proof takes back the refusal"
    assert fake.key not in desk.said and standby not in desk.said


def test_a_key_that_stands_by_for_itself_is_told(desk: Desk, fake: FakeOpenAI) -> None:
    code, said = desk.flask("keys", "status", OPENAI_API_KEY_STANDBY=fake.key)
    assert (code, "note  the key that stands by is the first one again" in said) == (0, True), said


@pytest.mark.parametrize("code,word", [("missing_scope", "permission"), ("ip_not_authorized", "allowlist")])
def test_scope_and_address_are_told_as_settings_to_fix(desk: Desk, fake: FakeOpenAI, code: str, word: str) -> None:
    if code == "missing_scope":
        fake.take_scope(fake.key)
        status, said = desk.flask("keys", "verify")
        assert status == 1 and word in said
        assert "refused" not in desk.flask("keys", "status")[1]


def test_openai_out_of_reach_is_told_without_a_traceback(desk: Desk, fake: FakeOpenAI) -> None:
    with fake.down():
        code, said = desk.flask("keys", "verify")
    assert code == 1
    assert "is not proven: no connection" in said and "Traceback" not in said


def test_another_server_that_lists_no_models_is_a_note(tmp_path: Path) -> None:
    with FakeOpenAI(compat="vllm") as fake:
        fake.keys = set()
        desk = Desk(
            tmp_path, OPENAI_API_KEY="local-server-key", OPENAI_BASE_URL=f"http://127.0.0.1:{fake.port}/elsewhere/v1"
        )
        code, said = desk.flask("keys", "verify")
    assert code == 0
    assert "note  key" in said and "This server may not list its models" in said


def test_an_old_key_is_a_reminder_and_no_fault(desk: Desk, serve: Serve) -> None:
    desk.flask("db", "upgrade")
    code, said = desk.flask("keys", "status")
    assert (code, "not used yet" in said) == (0, True)
    variables = {**desk.variables, "DATABASE_URL": desk.variables["DATABASE_URL"]}
    serve(**variables).visitor().say("Hello")
    desk.age(89)
    assert "ok    key" in desk.flask("keys", "status")[1]
    desk.age(91)
    code, said = desk.flask("keys", "status")
    assert code == 0
    assert re.search(r"note  key .* first seen 20\d\d-.*, 91 days ago; KEY_MAX_AGE_DAYS is 90. Make a new key", said)
    assert "ok    key" in desk.flask("keys", "status", KEY_MAX_AGE_DAYS="120")[1]


def test_the_doctor_looks_at_a_server_from_outside(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    code, said = Desk(tmp_path).flask("doctor", "--url", served.url)
    assert code == 0, said
    assert said.count("ok   ") == 4
    served.stop()
    code, said = Desk(tmp_path).flask("doctor", "--url", served.url)
    assert (code, "does not answer" in said) == (1, True)
    assert Desk(tmp_path).flask("doctor", "--url", "chat.example.org")[0] == 1


def test_a_careless_server_is_found_out_from_outside(tmp_path: Path) -> None:
    key = make_key()
    files = {
        "/": '<script src="/app.js"></script>',
        "/app.js": f"const key = '{key}'",
        "/.env": f"OPENAI_API_KEY={key}",
    }

    def answer(request: BaseHTTPRequestHandler) -> None:
        give(request, 200 if request.path in files else 404, files.get(request.path, "").encode())

    with answering(answer) as url:
        code, said = Desk(tmp_path).flask("doctor", "--url", url)
    assert code == 1
    assert "is not ready (404)" in said
    assert "the page comes without Content-Security-Policy" in said
    assert "something shaped like a key is in /app.js" in said
    assert "the server tells what it must not: /.env" in said
    assert key not in said


def test_the_rehearsal_plays_a_leak_to_its_end_and_no_visitor_notices(tmp_path: Path) -> None:
    (place := tmp_path / "tmp").mkdir()
    desk = Desk(tmp_path, OPENAI_API_KEY=make_key(), OPENAI_API_KEY_STANDBY=make_key(), TMPDIR=place)
    before = {path.name for path in (ROOT / "instance").glob("*")}
    code, said = desk.flask("drill")
    assert code == 0, said
    for step in (
        r"visitors chat; key [0-9a-f]{8} serves", r"a thief uses it 3 times", r"which stood by, serves \d+\.\d s later",
        r"a new key is put in place; key [0-9a-f]{8} serves \d+\.\d s later, without a restart",
        r"the old key is dead: the thief gets a 401", r"\$0\.0000\d+ is the thief's", r"[1-9]\d* answers, 0 failed",
        r"alerted 1 time",
    ):  # fmt: skip
        assert re.search(step, said), f"{step}\n{said}"
    assert {path.name for path in (ROOT / "instance").glob("*")} <= before | {"secret_key"}, "it played elsewhere"
    assert not list(place.glob("drill-*")), "and left nothing"


def test_a_rehearsal_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    """Nor does it obey what the operator's environment says of gunicorn, platform, secret and database."""
    variables = {"DATABASE_URL": "postgresql://chat@127.0.0.1:9/none", "DYNO": "1", "SECRET_KEY": "s" * 20}
    variables |= {"GUNICORN_CMD_ARGS": f"--pid {tmp_path}/pid", "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "drill"], cwd=ROOT, env=clean_environment(**variables),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout
    said = ""
    while "visitors chat" not in said:
        line = process.stdout.readline()
        assert line, f"it came to no chat:\n{said}"
        said += line
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == [], "no folder, and no file of gunicorn's arguments"


class Typist:
    """Reads what a command says as it says it, and types answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin and process.stdout
        self._in, self._out = process.stdin, process.stdout.fileno()
        os.set_blocking(self._out, False)
        self.said = ""

    def expect(self, words: str) -> None:
        deadline, heard = time.monotonic() + 60, ""
        while words not in heard:
            assert time.monotonic() < deadline, f"{words} was not said:\n{self.said}{heard}"
            with suppress(BlockingIOError):
                heard += os.read(self._out, 65_536).decode()
            time.sleep(0.02)
        self.said += heard

    def answer(self, words: str, typed: str) -> None:
        self.expect(words)
        self._in.write(typed + "\n")
        self._in.flush()


def test_a_real_incident_is_asked_verified_and_written_down(
    serve: Serve, fake: FakeOpenAI, tmp_path: Path, key_file: Path, checkout: Path
) -> None:
    """The checklist is begun with the leaked key in place; steps are done while it asks."""
    desk = Desk(tmp_path, checkout, **fake.env_without_key, OPENAI_API_KEY_FILE=key_file)
    served = serve(**desk.variables)
    visitor = served.visitor()
    for _ in range(3):
        visitor.say("Hello")
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "drill", "--real"], cwd=checkout, env=clean_environment(**desk.variables),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
    )  # fmt: skip
    typist = Typist(process)
    leaked, new = fake.key, fake.new_key()
    typist.answer("Which key leaked?", "")
    typist.answer("Since when", "")
    typist.answer("Make a new key at", "y")
    typist.expect("Make a new key at")
    key_file.chmod(0o600)
    key_file.write_text(new)
    typist.answer("", "")
    typist.expect("still works: revoke it")
    fake.revoke(leaked)
    typist.answer("", "")
    typist.expect("has not used the new key")
    assert visitor.say("With the new one").types[-1] == "finish"
    typist.answer("", "")
    typist.answer("in dollars?", "$0.50")
    typist.answer("Was it in the repository?", "yes")
    typist.answer("How did it leak", f"in a notebook: {leaked}")
    typist.expect("The report is in")
    assert process.wait(60) == 1, "somebody else has used the key"
    said = typist.said
    process.communicate()
    (report,) = (checkout / "instance").glob("leak-*.md")
    told = report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    assert "3 calls" in told and "- the leaked key is dead: verified" in told
    assert "somebody else's use: $0.5" in told and "WRONG OpenAI shows $0.5" in said
    assert "in a notebook: [key]" in told
    for secret in (leaked, new):
        assert secret not in told + said


def test_a_new_key_in_the_env_file_is_seen_while_the_drill_asks(
    fake: FakeOpenAI, tmp_path: Path, checkout: Path
) -> None:
    """`flask` has copied the old one into its environment by then."""

    def write(key: str) -> None:
        (checkout / ".env").write_text(f"OPENAI_API_KEY={key}\n")
        (checkout / ".env").chmod(0o600)

    write(fake.key)
    desk = Desk(tmp_path, checkout, **fake.env_without_key)
    desk.flask("db", "upgrade")
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "drill", "--real"], cwd=checkout, env=clean_environment(**desk.variables),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
    )  # fmt: skip
    typist = Typist(process)
    typist.answer("Which key leaked?", "")
    typist.answer("Since when", "")
    typist.expect("Make a new key at")
    write(fake.new_key())
    typist.answer("", "")
    typist.expect("ok    a new key is in place")
    process.communicate()
    assert process.returncode == 1, "it was broken off there"


def test_a_step_that_is_not_done_stays_open_and_fails_the_drill(
    fake: FakeOpenAI, tmp_path: Path, checkout: Path
) -> None:
    desk = Desk(tmp_path, checkout, **fake.env)
    desk.flask("db", "upgrade")
    code, said = desk.flask("drill", "--real", typed="\n\nn\nn\nn\nabout ten\nnot looked\nwe do not know\n")
    assert code == 1
    (report,) = (checkout / "instance").glob("leak-*.md")
    told = report.read_text()
    for what in (
        "a new key is in place",
        "the leaked key is dead",
        "the running app has taken",
        "usage page",
        "a scan",
    ):
        assert re.search(f"- OPEN: .*{what}", told), told
    assert told.count("- OPEN: ") == said.count("OPEN  ") == 5


def test_a_drill_without_a_database_and_without_a_place_for_its_report_goes_on_and_tells_it(
    fake: FakeOpenAI, tmp_path: Path, checkout: Path
) -> None:
    (checkout / "instance").write_text("a file stands where its folder would be")
    (tmp_path / "chat.db").write_text("what is no database " * 100)
    desk = Desk(tmp_path, checkout, **fake.env, SECRET_KEY="s" * 20)
    code, said = desk.flask("drill", "--real", typed="\n\nn\nn\nn\nno\nwe do not know\n")
    assert (code, "Traceback" in said) == (1, False), said
    assert "OPEN  this app's own use of that key: the database fails with DatabaseError" in said
    assert "Keep it from here.\n\n# A leaked key" in said and "what changes: we do not know\n- took: " in said


def test_a_drill_that_is_broken_off_keeps_what_it_has(fake: FakeOpenAI, tmp_path: Path, checkout: Path) -> None:
    desk = Desk(tmp_path, checkout, **fake.env)
    desk.flask("db", "upgrade")
    code, said = desk.flask("drill", "--real", typed="\n")
    assert code == 1
    (report,) = (checkout / "instance").glob("leak-*.md")
    assert "leaked key: " in report.read_text() and "stopped before its end" in report.read_text()
    assert "Traceback" not in said


def test_without_a_key_a_real_drill_has_nothing_to_do(tmp_path: Path, checkout: Path) -> None:
    code, said = Desk(tmp_path, checkout).flask("drill", "--real")
    assert (code, "No key is set or known" in said) == (1, True)
