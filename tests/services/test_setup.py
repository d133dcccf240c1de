"""`flask setup` at a real terminal and behind a pipe: what it asks, shows, keeps and writes, and what it never does."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.answering import answering, give
from tests.conftest import ROOMY, ROOT, Served, clean_environment, free_port, wait_until_ready
from tests.fake_openai import FakeOpenAI, make_key
from tests.fake_openai_parts.errors import by_code
from tests.services.terminal import Terminal
from tests.services.traces import everything, traces
from tests.warm import flask

NEEDED = ("app.py", "gunicorn.conf.py", ".gitignore", "chatbot", "templates", "static", "docs", "lab", "README.md")
PASSWORD = """it's "a" # $HOME ${HOME} \\ p\u00e4ss"""
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
# Starts `flask setup` again and again in a process that has loaded the app, and says how each run ended.
AGAIN = """
import os, signal, sys
import app
from flask.cli import cli
signal.signal(signal.SIGINT, signal.SIG_IGN)
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main(["setup"], prog_name="flask")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(f"ended with {code}.", flush=True)
"""


class Checkout:
    """A copy of the checkout, under git, with this text as its `.env`."""

    def __init__(self, folder: Path, env: str) -> None:
        self.folder, self.env_path, self.key_path = folder, folder / ".env", folder / "instance" / "openai-key"
        shutil.rmtree(folder / "instance", ignore_errors=True)
        self.env_path.write_text(env)
        self.env_path.chmod(0o644)

    def terminal(self, *arguments: str, **variables: object) -> Terminal:
        arguments = arguments or ("-m", "flask", "setup")
        return Terminal([sys.executable, *arguments], self.folder, clean_environment(**variables))

    def pipe(self, *lines: str, **variables: object) -> tuple[int, str]:
        """Exit code, and all that was printed, of `flask setup` with these lines as its input."""
        typed = "".join(f"{line}\n" for line in lines)
        ran = flask("setup", env=clean_environment(**variables), cwd=self.folder, typed=typed)
        return ran.returncode, ran.stdout + ran.stderr

    def state(self) -> dict[str, bytes]:
        """What must not change: `.env`, the key's file, and whatever else may stand beside them."""
        ours = [self.env_path, self.key_path, *self.folder.glob(".env?*"), *self.folder.glob("instance/openai-key?*")]
        return {path.name: path.read_bytes() for path in ours if path.exists()}

    def value(self, name: str) -> str:
        code = f"from chatbot.config import load_settings; print(repr(load_settings().{name}))"
        if name in ("access_code", "admin_password"):
            code = f"from chatbot.config import load_settings; print(load_settings().{name}.get_secret_value())"
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, env=clean_environment(), capture_output=True, check=True
        )
        return ran.stdout.decode().removesuffix("\n")


def env_for(url: str) -> str:
    """As somebody may have written it, with no end to its last line."""
    return (
        f"# mine\nOPENAI_BASE_URL={url}\nexport OPENAI_TRUSTED_HOSTS='127.0.0.1' # kept\n# BUDGET_SITE_DAY=5\n\n# end"
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = tmp_path_factory.mktemp("setup") / "check out"
    house.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, house / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        elif (ROOT / name).exists():
            shutil.copyfile(ROOT / name, house / name)
    subprocess.run(["git", "init", "-q", house], check=True)
    return house


@pytest.fixture
def checkout(copy: Path, fake: FakeOpenAI) -> Checkout:
    return Checkout(copy, env_for(fake.base_url))


def test_the_first_run_ends_in_an_app_that_answers_and_the_key_is_seen_nowhere(
    checkout: Checkout, fake: FakeOpenAI, tmp_path: Path
) -> None:
    terminal = checkout.terminal()
    terminal.expect("1/6 The key")
    terminal.expect("Enter keeps what is:")
    assert not terminal.echoes
    terminal.type(f"  {fake.key}  \n")
    terminal.expect("2/6 The proof")
    terminal.expect("works: 127.0.0.1 lists")
    terminal.answer("Model? Enter keeps gpt-6-luna:")
    terminal.expect("gpt-6-luna costs $0.10 in, $0.50 out per million tokens.")
    terminal.answer("in a day? Enter keeps 5.00:", "a lot")
    terminal.expect("BUDGET_SITE_DAY is not valid")
    terminal.answer("in a day? Enter keeps 5.00:", "$2")
    terminal.answer("in a month? Enter keeps 50.00:", "20")
    terminal.expect("Worst case: $2.00 a day (the budget of a day), $20.00 a month")
    terminal.answer("n asks again:", "n")
    terminal.answer("in a day? Enter keeps 2:", "3")
    terminal.answer("in a month? Enter keeps 20:")
    terminal.expect("Worst case: $3.00 a day")
    terminal.answer("n asks again:")
    terminal.answer("Enter keeps what is:", "g")
    terminal.answer("Enter keeps what is:", "o")
    terminal.answer("10 characters or more; it is not shown:", "too short")
    terminal.expect("It needs 10 characters or more")
    terminal.answer("10 characters or more; it is not shown:", PASSWORD)
    terminal.answer("Once more:", PASSWORD + " ")
    terminal.expect("The two differ.")
    terminal.answer("10 characters or more; it is not shown:", PASSWORD)
    terminal.answer("Once more:", PASSWORD)
    terminal.expect("Written: instance/openai-key and .env.")
    terminal.expect("The access code, shown only now: ")
    terminal.expect("Next: make run")
    assert terminal.end() == 0, terminal.shown
    assert "WRONG" not in terminal.shown

    assert checkout.key_path.read_text() == fake.key + "\n"
    modes = [path.stat().st_mode & 0o777 for path in (checkout.key_path, checkout.key_path.parent, checkout.env_path)]
    assert modes == [0o600, 0o700, 0o600]
    lines = checkout.env_path.read_text().splitlines()
    assert lines[:5] == [*env_for(fake.base_url).splitlines()[:4], "BUDGET_SITE_DAY=3"]
    assert lines[5:7] == ["", "# end"]
    assert checkout.value("admin_password") == PASSWORD
    code = checkout.value("access_code")
    assert f"shown only now: {code}\r\n" in terminal.shown
    assert PASSWORD not in terminal.shown

    with served(checkout, tmp_path) as server:
        visitor = server.visitor()
        assert visitor.say("Hello").status == 401
        assert visitor.request("POST", "/enter", f"code={code}".encode(), FORM).status == 204
        assert visitor.say("Hello").types[-1] == "finish"
    assert fake.calls[-1].key == fake.key
    told = [terminal.shown.encode(), terminal.seen_in_ps, server.log.encode()]
    told += [content for name, content in everything(checkout.folder) if name != str(checkout.key_path)]
    assert b"flask\0setup" in terminal.seen_in_ps and b"flask\0doctor" in terminal.seen_in_ps
    for trace in traces(fake.key):
        assert not [text for text in told if trace in text]


class served:
    """The app of a checkout, as `make run` starts it."""

    def __init__(self, checkout: Checkout, folder: Path) -> None:
        port, log = free_port(), folder / "server.log"
        environment = clean_environment(**{name: ROOMY[name] for name in ROOMY if "BUDGET" not in name}, PORT=port)
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn"], cwd=checkout.folder, env=environment, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
        self.server = Served(f"http://127.0.0.1:{port}", process, log, "")

    def __enter__(self) -> Served:
        wait_until_ready(self.server)
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.kill()


def test_whoever_leaves_at_any_prompt_leaves_everything_as_it_was(checkout: Checkout, fake: FakeOpenAI) -> None:
    path = [
        ("Enter keeps what is:", fake.key),
        ("Model? Enter keeps gpt-6-luna:", ""),
        ("in a day? Enter keeps 5.00:", "1"),
        ("in a month? Enter keeps 50.00:", "9"),
        ("n asks again:", ""),
        ("Enter keeps what is:", "o"),
        ("4 characters or more; it is not shown:", "some words"),
        ("Once more:", "some words"),
        ("Enter keeps what is:", "o"),
        ("10 characters or more; it is not shown:", "some words"),
        ("Once more:", "some words"),
    ]
    leaves = [(length, "\x03") for length in range(len(path))] + [(0, "\x04")]
    before = checkout.state()
    terminal = checkout.terminal("-c", AGAIN, str(len(leaves) + 1))
    for length, key in leaves:
        for prompt, answer in path[:length]:
            terminal.answer(prompt, answer)
        terminal.expect(path[length][0])
        terminal.type(key)
        terminal.expect("Nothing was changed.")
        terminal.expect("ended with 1.")
        assert checkout.state() == before, path[length]
    for prompt, answer in path[:-1]:
        terminal.answer(prompt, answer)
    terminal.expect("Once more:")
    terminal.hang_up()
    assert checkout.state() == before
    assert fake.key not in terminal.shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_at_a_hidden_prompt_leaves_a_terminal_that_echoes(checkout: Checkout, number: int) -> None:
    before, terminal = checkout.state(), checkout.terminal()
    terminal.expect("Enter keeps what is:")
    assert not terminal.echoes
    terminal.signal(number)
    terminal.expect("Nothing was changed.")
    assert terminal.echoes
    assert terminal.end() == 1
    assert checkout.state() == before


def test_a_second_run_shows_what_is_set_and_changes_only_what_is_asked(checkout: Checkout, fake: FakeOpenAI) -> None:
    checkout.key_path.parent.mkdir()
    checkout.key_path.write_text(fake.key)
    here = f"OPENAI_API_KEY_FILE='{checkout.key_path}'\nACCESS_CODE=some words\nADMIN_PASSWORD=some more words\n"
    checkout.env_path.write_text(f"{env_for(fake.base_url)}\n{here}")
    before, new = checkout.state(), fake.new_key()
    code, said = checkout.pipe(new, "", "", "", "", "n", "")
    assert code == 0, said
    assert "Now: key " in said and "from OPENAI_API_KEY_FILE." in said and "it is read from a pipe" in said
    assert "Now: whoever knows the code may enter." in said and "Now: a password opens the desk." in said
    after = checkout.state()
    assert after.pop("openai-key").decode() == new + "\n"
    kept = [line for line in before[".env"].splitlines() if not line.startswith(b"ACCESS_CODE")]
    assert after.pop(".env").splitlines() == kept
    assert not after, "nothing is left beside them"
    assert all(key not in said for key in (fake.key, new))


def test_with_postgresql_a_key_is_moved_out_of_env_into_its_file(
    checkout: Checkout, fake: FakeOpenAI, postgres_url: str
) -> None:
    with checkout.env_path.open("a") as file:
        file.write(f"\nDATABASE_URL={postgres_url}\nSECRET_KEY=some words for the test\n")
        file.write(f"OPENAI_API_KEY={fake.key}\nOPENAI_API_KEY={fake.key}")
    code, said = checkout.pipe("", "y", "", "1", "2", "", "", "")
    assert code == 0, said
    assert "from OPENAI_API_KEY." in said
    assert checkout.key_path.read_text() == fake.key + "\n"
    assert fake.key not in checkout.env_path.read_text()
    assert f"DATABASE_URL={postgres_url}" in checkout.env_path.read_text().splitlines()


def refusing(*errors: str) -> AbstractContextManager[str]:
    """A server that answers each request for the models by the next of these errors; `drop` is no answer at all."""
    left = list(errors)

    def answer(request: BaseHTTPRequestHandler) -> None:
        if (name := left.pop(0)) != "drop":
            error = by_code(name, key="sk-...")
            give(request, error.status, error.body())

    return answering(answer)


def test_a_key_that_is_not_proven_is_told_why_and_the_operator_decides(checkout: Checkout, fake: FakeOpenAI) -> None:
    with refusing("invalid_api_key", "missing_scope", "ip_not_authorized", "drop", "invalid_api_key") as url:
        checkout.env_path.write_text(env_for(f"{url}/v1"))
        before = checkout.state()
        code, said = checkout.pipe(
            make_key("admin"), f'"{make_key()}"', make_key(), "t", "t", "t", "what", "o", make_key(), "q"
        )
        assert code == 1
        for words in (
            "is an admin key",
            "holds a space, a quote",
            "the key is wrong, revoked or expired",
            "the key lacks a permission",
            "not on the project's IP allowlist",
            "no connection",
            "That is none of t, o, k, q.",
            "Nothing was changed.",
        ):
            assert words in said
            said = said.partition(words)[2]
        assert checkout.state() == before

    code, said = checkout.pipe(key := make_key(), "k", "", "", "", "", "", "")  # nobody listens there now
    assert "no connection" in said and "NewConnectionError" in said
    assert checkout.key_path.read_text() == key + "\n", "kept all the same, where there is no network"
    assert code == 1 and "Mend what is WRONG, then: make run" in said


def test_what_the_environment_sets_is_said_and_who_presses_enter_keeps_what_is(
    checkout: Checkout, fake: FakeOpenAI
) -> None:
    (elsewhere := checkout.folder / "elsewhere").write_text(fake.key)
    elsewhere.chmod(0o600)
    outside = {"ADMIN_PASSWORD": "of the environment", "OPENAI_API_KEY_FILE": elsewhere}
    with checkout.env_path.open("a") as file:
        file.write("\nBUDGET_SITE_MONTH=7\n")  # which hides nothing now, but would hide what is written here
    before = checkout.state()
    ran = subprocess.run(  # a process of its own: a fork would not be told apart from what its parent was started with
        [sys.executable, "-m", "flask", "setup"], input="\n" * 5, cwd=checkout.folder, capture_output=True, text=True,
        env=clean_environment(BUDGET_SITE_MONTH="7", **outside), check=False,
    )  # fmt: skip
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    for name in ("ADMIN_PASSWORD", "OPENAI_API_KEY_FILE", "BUDGET_SITE_MONTH"):
        assert f"{name} is set in the environment, which wins over .env: change it there." in said
    assert "$7.00 a month" in said
    assert checkout.state() == before
    assert checkout.env_path.stat().st_mode & 0o777 == 0o600, "but closed to others"


def test_nothing_is_written_where_git_would_track_it(checkout: Checkout, fake: FakeOpenAI) -> None:
    ignored, before = (checkout.folder / ".gitignore").read_text(), checkout.state()
    try:
        (checkout.folder / ".gitignore").write_text(ignored.replace("instance/", ""))
        code, said = checkout.pipe(fake.key, "", "", "", "", "", "")
    finally:
        (checkout.folder / ".gitignore").write_text(ignored)
    assert code == 1
    assert "git would track instance/openai-key: add a line /instance/openai-key to .gitignore" in said
    assert checkout.state() == before


def test_settings_that_refuse_a_start_are_mended_by_it(checkout: Checkout, fake: FakeOpenAI) -> None:
    with checkout.env_path.open("a") as file:
        file.write("\nBUDGET_SITE_DAY=a lot\nOPENAI_API_KEY_FILE=/nowhere\n")
    code, said = checkout.pipe(fake.key, "", "", "", "", "", "")
    assert code == 0, said
    assert "BUDGET_SITE_DAY is not valid" in said and "It is asked for anew." in said
    assert "OPENAI_API_KEY_FILE cannot be read" in said
    assert b"BUDGET_SITE_DAY" not in checkout.env_path.read_bytes().replace(b"# BUDGET_SITE_DAY", b"")

    with checkout.env_path.open("a") as file:
        file.write("PORT=many\n")
    line = len(checkout.env_path.read_text().splitlines())
    code, said = checkout.pipe(fake.key, "", "", "", "", "", "")
    assert code == 2 and "PORT is not valid" in said and f"line {line} of .env" in said
    ran = flask("doctor", env=clean_environment(), cwd=checkout.folder)
    assert ran.returncode == 2 and "PORT is not valid" in ran.stderr
