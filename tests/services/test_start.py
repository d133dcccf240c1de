"""Starting: refused in plain lines, without a traceback or a secret; told once, however many workers there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from chatbot.commands.processes import copy_checkout
from tests.conftest import ROOT, Served, clean_environment, free_port, needed, wait_for
from tests.fake_openai import FakeOpenAI, make_key
from tests.services.conftest import SECRET
from tests.warm import flask

Serve = Callable[..., Served]

CANARY = "Canary" + "Secret42"


def command(tmp_path: Path, *arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
    """Run a command of Flask's as an operator would."""
    environment = clean_environment(**{"DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", **variables})
    ran = flask(*arguments, env=environment)
    ran.stdout += ran.stderr
    return ran


def refused(served: Served) -> str:
    """What a server said that did not start."""
    assert served.process.wait(60) not in (0, None)
    assert "Traceback" not in served.log and "Listening" not in served.log
    return served.log


def test_gunicorn_and_flask_refuse_bad_settings_with_a_line_each(serve: Serve, tmp_path: Path) -> None:
    bad = {"PORT": "http", "LIMIT_SITE": "lots", "SECRET_KEY": CANARY[:7], "DATABASE_URL": f"mysql://u:{CANARY}@h/chat"}
    lines = refused(serve(wait=False, **bad)).splitlines()
    assert [line.split(" is not valid: ")[0] for line in lines] == ["LIMIT_SITE", "DATABASE_URL", "SECRET_KEY", "PORT"]
    assert all(" Example: " in line for line in lines)

    for arguments in (["run"], ["db", "upgrade"]):
        said = command(tmp_path, *arguments, **bad)
        assert said.returncode != 0
        assert "Traceback" not in said.stdout and CANARY[:7] not in said.stdout
        assert [line for line in said.stdout.replace("Error: ", "").splitlines() if " Example: " in line] == lines
    assert CANARY[:7] not in "".join(lines)


@pytest.mark.parametrize(
    "variables,says",
    [
        ({"OPENAI_API_KEY": "'" + CANARY + "'"}, "OPENAI_API_KEY "),
        ({"OPENAI_API_KEY_FILE": "/nowhere/key"}, "OPENAI_API_KEY_FILE "),
        ({"SECRET_KEY_FILE": "/nowhere/secret"}, "SECRET_KEY_FILE "),
        ({"DATABASE_URL": "postgres://chat:" + CANARY + "@h/chat"}, "SECRET_KEY "),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/chat.db"}, "DATABASE_URL "),
        ({"DATABASE_URL": "sqlite:////kept/nowhere.db", "DYNO": "web.1"}, "DATABASE_URL "),
    ],
)
def test_gunicorn_refuses_what_only_a_look_around_can_tell(serve: Serve, variables: dict[str, str], says: str) -> None:
    (line,) = refused(serve(wait=False, **variables)).splitlines()
    assert line.startswith(says) and CANARY not in line


def test_a_key_of_openai_is_not_sent_to_a_host_that_nobody_named(
    serve: Serve, fake: FakeOpenAI, tmp_path: Path
) -> None:
    key = fake.new_key()
    foreign = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": fake.base_url}
    (line,) = refused(serve(wait=False, **foreign)).splitlines()
    assert line.startswith("OPENAI_BASE_URL ") and "OPENAI_TRUSTED_HOSTS=127.0.0.1" in line
    said = command(tmp_path, "run", "--port", str(free_port()), **foreign)
    assert said.returncode != 0 and line in said.stdout and "Traceback" not in said.stdout
    assert fake.requests == [] and key not in line + said.stdout


@pytest.mark.parametrize("name", ["OPENAI_MODEL", "OPENAI_BASE_URL"])
def test_a_key_in_a_variable_that_a_refusal_quotes_is_not_shown(serve: Serve, tmp_path: Path, name: str) -> None:
    key, other = make_key(), make_key()
    bad = {"OPENAI_API_KEY": key, name: {"OPENAI_MODEL": other, "OPENAI_BASE_URL": f"https://{other}/v1"}[name]}
    said = refused(serve(wait=False, **bad)) + command(tmp_path, "doctor", **bad).stdout
    assert said.count("[key]") >= 2
    for part in (key, other):
        assert part[20:40].lower() not in said.lower()


def test_a_database_that_does_not_answer_stops_the_start_in_one_line(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database " * 300)
    addresses = [f"sqlite:///{tmp_path}/broken.db", f"postgresql://chat:{CANARY}@127.0.0.1:{free_port()}/chat"]
    for address in addresses:
        served = serve(wait=False, DATABASE_URL=address, SECRET_KEY=SECRET)
        assert served.process.wait(60) != 0
        assert "DATABASE_URL names a database that does not answer" in served.log
        assert "Traceback" not in served.log and CANARY not in served.log


def test_a_model_whose_price_is_not_known_stops_the_start_where_there_is_a_key(
    serve: Serve, fake: FakeOpenAI, tmp_path: Path
) -> None:
    unpriced = {**fake.env, "OPENAI_MODEL": "gpt-6.2-luna", "OPENAI_MODELS": "gpt-6-luna,my-own"}
    served = serve(wait=False, **unpriced)
    assert served.process.wait(60) != 0 and "Traceback" not in served.log
    said = command(tmp_path, "run", "--port", str(free_port()), **unpriced)
    assert said.returncode != 0 and "Traceback" not in said.stdout
    for name, model in (("OPENAI_MODEL", "gpt-6.2-luna"), ("OPENAI_MODELS", "my-own")):
        line = f"{name} names {model}, whose price is not known"
        assert line in served.log and line in said.stdout
        assert f"Example: MODEL_PRICES={model}=<input>/<cached>/<output>" in served.log
    assert fake.requests == []

    prices = "gpt-6.2-luna=0.1/0.01/0.5,my-own=0/0/0"
    assert serve(**unpriced, MODEL_PRICES=prices).visitor().say("Hello").status == 200
    assert serve(OPENAI_MODEL="my-own").visitor().get("/readyz").status == 200, "the tutor is free"


def test_tables_of_another_version_stop_the_start_until_they_are_upgraded(
    serve: Serve, tmp_path: Path, postgres_database: str
) -> None:
    variables = {"DATABASE_URL": postgres_database, "SECRET_KEY": SECRET}
    first = command(tmp_path, "db", "upgrade", **variables)
    newest = first.stdout.split()[-1].rstrip(".")
    assert first.returncode == 0 and f"from None to {newest}" in first.stdout
    again = command(tmp_path, "db", "upgrade", **variables)
    assert again.returncode == 0 and f"at version {newest}, as before" in again.stdout

    with psycopg.connect(postgres_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    served = serve(wait=False, **variables, WEB_CONCURRENCY=2)
    assert served.process.wait(60) != 0
    assert "run `flask db upgrade`" in served.log and "Traceback" not in served.log
    unknown = command(tmp_path, "db", "upgrade", **variables)
    assert unknown.returncode != 0 and "9999" in unknown.stdout and "Traceback" not in unknown.stdout

    with psycopg.connect(postgres_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [newest])
    assert serve(**variables).visitor().get("/readyz").status == 200


def test_four_workers_tell_the_operator_once(serve: Serve, fake: FakeOpenAI, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(fake.key + "\n")
    served = serve(
        **{**fake.env, "OPENAI_API_KEY": ""}, OPENAI_API_KEY_FILE=tmp_path / "key", SECRET_KEY=CANARY,
        LIMIT_SITE="200/day", MAX_CONTEXT_TOKENS=1000, MAX_MESSAGE_CHARS=100, MAX_OUTPUT_TOKENS=1000,
        SYSTEM_PROMPT="p" * 60, WEB_CONCURRENCY=4, cold=True,
    )  # fmt: skip
    wait_for(lambda: "data live in: " in served.log)  # by the one that speaks; another may have been ready before
    for starts in ("mode: live, key ", "the key goes to: 127.0.0.1 by responses",
                   "model: gpt-6-luna, $0.10 in, $0.50 out", "who may enter: everybody, ",
                   f"data live in: {tmp_path}/chat.db"):  # fmt: skip
        assert len(re.findall(f"INFO chatbot.start: {re.escape(starts)}", served.log)) == 1, starts
    # 4,080 tokens at $0.125 a million and 1,000 at $0.50, with one retry: $0.00202; 200 a day; 31 days.
    assert served.log.count("worst case: $0.36 a day (LIMIT_SITE admits 200 messages), $10.98 a month (31 such ") == 1
    assert " from OPENAI_API_KEY_FILE\n" in served.log
    assert fake.key not in served.log and CANARY not in served.log
    assert served.stop() == 0


def test_the_env_file_is_read_and_real_variables_win(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "chatbot", copy / "chatbot")
    for name in ("app.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / name, copy / name)
    (copy / ".env").write_text(f"LIMIT_SITE=lots\nPORT={free_port()}\nSECRET_KEY={CANARY[:5]}\n")
    environment = clean_environment(LIMIT_SITE="5/day")
    said = subprocess.run(
        [sys.executable, "-m", "gunicorn"],
        cwd=copy, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    (line,) = said.stdout.splitlines()
    assert said.returncode != 0 and line.startswith("SECRET_KEY is not valid") and CANARY[:5] not in line


def test_the_secret_is_made_once_for_its_owner_alone(serve: Serve, fake: FakeOpenAI, tmp_path: Path) -> None:
    served = serve(**fake.env, WEB_CONCURRENCY=2)
    visitor = served.visitor()
    assert visitor.say("Hello").status == 200
    secret = tmp_path / "secret_key"
    assert os.stat(secret).st_mode & 0o777 == 0o600
    assert len(secret.read_text()) >= 32 and secret.read_text() not in served.log
    served.stop()
    visitor.url = serve().url
    assert len(visitor.stored()["messages"]) == 2, "the cookie no longer holds after a restart"


def test_an_admin_key_stops_the_start(serve: Serve) -> None:
    key = make_key("admin")
    (line,) = refused(serve(wait=False, OPENAI_API_KEY=key)).splitlines()
    assert "admin key" in line and key not in line


def test_the_tutors_turns_are_reported_and_its_rehearsal_is_not(serve: Callable[..., Served]) -> None:
    served = serve()
    assert "turn complete" not in served.log
    assert served.visitor().say("thanks").is_done
    wait_for(lambda: served.log.count("turn complete") == 1)


def test_make_run_says_in_a_line_that_an_env_file_is_not_in_utf_8(tmp_path: Path) -> None:
    """As PowerShell writes it. `flask` alone, which reads the file before the app does, ends in a traceback."""
    house, venv = copy_checkout(tmp_path / "checkout"), Path(sys.prefix)
    shutil.copy(ROOT / "Makefile", house)
    (house / ".env").write_bytes("LOG_FORMAT=text\r\n".encode("utf-16"))
    make = [needed(shutil.which("make"), "make"), "run", f"VENV={venv}", "-o", f"{venv}/.run"]
    environment = clean_environment(MAKEFLAGS="", MAKELEVEL="")
    ran = subprocess.run(make, cwd=house, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, "Traceback" in ran.stderr) == (2, False), ran.stderr
    assert "Error: .env is not written in UTF-8. Save it as that.\n" in ran.stderr
