"""A fresh clone, followed literally from the README by a script that types its commands, ends in a chat."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.conftest import ROOT, clean_environment, free_port, needed
from tests.fake_openai import FakeOpenAI
from tests.services.terminal import Terminal

README = (ROOT / "README.md").read_text()
READY_S = 240  # for what `make run` takes from the registry
PROMPT = "what next? "


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with what is committed here, and what is not yet."""
    needed(shutil.which("make"), "make")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    folder = tmp_path / "origin"
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "--all"], [*author, "commit", "-q", "-m", "All of it"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def port() -> int:
    """The only thing that is not as the README says: 8000 may be taken."""
    return free_port()


@pytest.fixture
def shell(tmp_path: Path, fake: FakeOpenAI, port: int) -> Iterator[Terminal]:
    """A shell of somebody who has nothing yet, not even a file at home."""
    (tmp_path / "home").mkdir()
    downloads = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip"))
    upstream = {name: value for name, value in fake.env_without_key.items() if name != "OPENAI_MODEL"}
    pip = {"PIP_CACHE_DIR": downloads, "PIP_NO_COMPILE": "1"}  # Python compiles what it imports, which is less
    given = {"HOME": tmp_path / "home", "PORT": port, "PS1": PROMPT, **pip, **upstream}
    environment = clean_environment(**given)
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"):  # of the tests themselves
        environment.pop(name, None)
    terminal = Terminal(["bash", "--noprofile", "--norc", "-i"], tmp_path, environment)
    yield terminal
    terminal.hang_up()


def test_who_types_what_the_readme_says_chats_with_the_tutor_and_then_with_the_model(
    origin: Path, shell: Terminal, fake: FakeOpenAI, port: int, page: Page
) -> None:
    fake.default_text = "Hello from the model."
    (address,) = re.findall(r"Then open (http://\S+\d)\.", README)
    served = 0
    run(shell, f"git clone -q {origin} chat && cd chat")
    for command in commands():
        if command == "make run":
            start(shell)
            chat = ChatPage(page, address.replace(":8000", f":{port}"))
            chat.ask_and_wait("What is an API key?")
            expect(chat.answer).to_contain_text("Hello from the model." if served else "sk-")
            page.goto("about:blank")
            stop(shell)
            served += 1
        elif command.endswith("flask setup"):
            set_up(shell, command, fake.key)
        else:
            run(shell, command)
    assert served == 2
    assert [call.key for call in fake.calls] == [fake.key]
    assert fake.key not in shell.shown


def commands() -> list[str]:
    """The lines of the README's blocks of code, in order."""
    found = re.findall(r"(?m)^ {4}(\S.*)$", README)
    assert found[0] == "make run"
    return found


def run(shell: Terminal, command: str) -> None:
    """Type a command that ends by itself, and well."""
    shell.answer(PROMPT, command)
    shell.answer(PROMPT, "echo it ended with $?.")
    shell.expect("it ended with 0.")


def start(shell: Terminal) -> None:
    shell.answer(PROMPT, "make run")
    shell.expect("Listening at: ", READY_S)
    shell.expect("Booting worker")


def stop(shell: Terminal) -> None:
    """As the README says: by Ctrl+C."""
    assert "stop the app with Ctrl+C" in " ".join(README.split())
    shell.type("\x03")
    shell.expect("Shutting down")


def set_up(shell: Terminal, command: str, key: str) -> None:
    """Paste a key, and take what is offered else."""
    shell.answer(PROMPT, command)
    shell.answer("it is not shown. Enter keeps what is:", key)
    for question in (
        "Model?",
        "in a day?",
        "in a month?",
        "n asks again:",
        "Enter keeps what is:",
        "Enter keeps what is:",
    ):
        shell.answer(question)
    shell.expect("Next: make run", 60)
