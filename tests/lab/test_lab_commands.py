"""`flask lab` in a copy of the checkout: what it says, that it meets no real key, and that nothing outlives it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from chatbot.commands.processes import copy_checkout
from lab import commands, theatre
from tests.conftest import clean_environment, wait_for
from tests.fake_openai import make_key

LOOK_S = 0.3
LOOPBACK = {"127.0.0.1", "::1"}


@dataclass
class Lab:
    """A copy of the checkout in which a learner works; an operator's key is all over the place."""

    house: Path
    key: str = field(default_factory=make_key)
    alive: set[psutil.Process] = field(default_factory=set)
    listened: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        variables = {"OPENAI_API_KEY": self.key, "TMPDIR": self.temporary, "DATABASE_URL": f"sqlite:///{self.house}.db"}
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "lab", *arguments], cwd=self.house, env=clean_environment(**variables),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str]:
        """To its end, while all that it starts is looked at; the exit code and what it said."""
        said, due = "", 0.0
        with self.start(*arguments) as process:
            for line in process.stdout or ():
                said += line
                if time.monotonic() > due:
                    self.look(process)
                    due = time.monotonic() + LOOK_S
        return process.returncode, said

    def look(self, process: subprocess.Popen[str]) -> None:
        """At every process below: none may have the key, or listen or call beyond this machine."""
        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                self.alive.add(child)
                with suppress(psutil.Error):
                    assert self.key not in str(child.environ())
                    assert self.key not in str(child.cmdline())
                    for connection in child.net_connections("inet"):
                        self.listened.add(connection.laddr[0])
                        self.called.update(connection.raddr[:1])

    def assert_ended(self) -> None:
        wait_for(lambda: not [each for each in self.alive if _runs(each)], what="the end of all processes")

    @property
    def temporary(self) -> Path:
        folder = self.house.parent / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def assert_clean(self) -> None:
        """Nothing runs any more, nothing is left, and the key was nowhere."""
        self.assert_ended()
        assert self.listened | self.called <= LOOPBACK
        assert list(self.temporary.iterdir()) == []


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE  # which nobody waits for, where its parent was killed
    return False


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    house = copy_checkout(tmp_path / "checkout")
    lab = Lab(house)
    (house / ".env").write_text(f"OPENAI_API_KEY={lab.key}\n")
    return lab


def keep_only(lab: Lab, *numbers: str) -> None:
    for folder in (lab.house / "lab").glob("[0-9]*"):
        if folder.name[:2] not in numbers:
            shutil.rmtree(folder)


def test_an_exercise_is_solved_by_an_app_of_ones_own_that_withstands(lab: Lab) -> None:
    folder = lab.house / "lab" / "16-somebody-elses-chat"
    mine = folder / "mine.py"
    shutil.copyfile(folder / "app.py", mine)
    cure = (folder / "cure.diff").read_bytes().replace(b"app.py", b"mine.py")
    subprocess.run(["git", "apply", "-p0", "-"], cwd=folder, input=cure, check=True)
    code, said = lab.run("attack", "somebody-elses-chat")
    assert code == 0, said
    heard = re.findall(r"^(The \w+ app$|The cure$|Your mine\.py|This app|The attack \w+(?=\.)|Solved)", said, re.M)
    assert heard == [
        "The broken app", "The attack worked", "The cure", "The cured app", "The attack failed", "Your mine.py",
        "The attack failed", "Solved", "This app", "The attack failed",
    ]  # fmt: skip
    assert '+    if found is None or found["owner"] != session.get("visitor"):' in said
    assert len(lab.alive) >= 5 and lab.key not in said
    lab.assert_clean()
    assert "16. Somebody else's chat             solved" in lab.run("list")[1]
    mine.write_text(mine.read_text() + "\n# changed again\n")
    assert "solved" not in lab.run("list")[1].partition("16. ")[2].partition("\n")[0]


def test_the_check_is_a_line_each_and_fails_for_a_cure_that_does_not_cure(lab: Lab) -> None:
    """A copy has no history; its files get one of their own."""
    keep_only(lab, "03", "14")
    no_cure = lab.house / "lab" / "14-base-url-from-the-client" / "cure.diff"
    lines = (no_cure.parent / "app.py").read_text().splitlines(keepends=True)
    no_cure.write_text("".join(unified_diff(lines, ['"""A chat."""\n', *lines[1:]], "app.py", "app.py")))
    code, said = lab.run("check")
    assert code == 1, said
    assert "ok    3. Key in git history (broken: worked, cured: failed, this app: failed)" in said
    assert "WRONG 14. Base URL from the client (broken: worked, cured: worked, this app: failed)" in said
    assert "      cured: The server called ours instead of OpenAI" in said
    assert "1 do not hold." in said
    lab.assert_clean()


@pytest.mark.parametrize(("number", "sign"), [("5", signal.SIGINT), ("8", signal.SIGTERM), ("8", signal.SIGKILL)])
def test_a_broken_app_that_is_kept_meets_no_real_key_and_ends_with_the_command(
    lab: Lab, number: str, sign: signal.Signals
) -> None:
    """The fifth has a child that reloads it, the eighth four workers; kill -9 leaves files, but nothing that runs."""
    with lab.start("attack", number, "--keep") as process:
        told = ""
        while "Ctrl-C ends it." not in told and (line := process.stdout and process.stdout.readline()):
            told += line
        lab.look(process)
        assert len(lab.alive) >= 3, told
        files = [path for path in lab.temporary.rglob("*") if path.is_file()]
        assert len(files) > 20 and not [path for path in files if lab.key.encode() in path.read_bytes()]
        process.send_signal(sign)
        told += process.communicate(timeout=120)[0]
    assert process.returncode and lab.key not in told
    if sign == signal.SIGKILL:
        lab.assert_ended()
    else:
        lab.assert_clean()


def test_an_exercise_that_does_not_exist_is_said_so() -> None:
    ran = CliRunner().invoke(commands.lab, ["attack", "99"])
    assert ran.exit_code == 2
    assert "There is no exercise 99; flask lab list shows them." in ran.output


def test_without_git_the_lab_says_so_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theatre.shutil, "which", lambda tool: None)
    ran = CliRunner().invoke(commands.lab, ["attack", "1"])
    assert ran.exit_code == 1
    assert ran.output == "The lab needs git, which is not installed here. Please install it, and start again.\n"
