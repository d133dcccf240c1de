"""Rooms can be taken out as docs/make-it-yours.md says, by its own commands, in a copy: what is left is whole."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment, serving
from tests.fake_openai import FakeOpenAI, make_key

ROOMS = ("desk", "lab", "tutor")
WITHOUT = {**{room: (room,) for room in ROOMS}, "all three": ROOMS}
GUIDE = ROOT / "docs/make-it-yours.md"
RULES = "test_house_rules"
# Where all three are gone, what the page drops for each of them is.
DOCS = f"{RULES} or test_docs or test_http_docs or test_anchors or test_book"
Done = subprocess.CompletedProcess[str]


@dataclass
class Copy:
    """A copy of this checkout without some of its rooms, and the checks that run there meanwhile."""

    rooms: tuple[str, ...]
    folder: Path
    checks: dict[str, Future[Done]] = field(default_factory=dict)

    def run(self, *command: str, **variables: str) -> Done:
        """A module's command. There is a key, though no real one: without the tutor some tests need it."""
        environment = clean_environment(**{"OPENAI_API_KEY": make_key(), **variables})
        return subprocess.run(
            [sys.executable, "-m", *command], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Copy]]:
    made = {}
    cache = tmp_path_factory.mktemp("mypy")
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", cache, dirs_exist_ok=True)
    with ThreadPoolExecutor(1) as types, ThreadPoolExecutor(2) as others:
        for name, rooms in WITHOUT.items():
            folder = tmp_path_factory.mktemp("without") / "checkout"
            copy = made[name] = Copy(rooms, folder)
            copy_checkout(folder)
            for room in rooms:
                take_out(room, folder)
            which = DOCS if rooms == ROOMS else RULES
            options = ("-q", "-k", which, "-p", "no:cacheprovider", f"--basetemp={folder}-tests")
            copy.checks = {
                "mypy": types.submit(copy.run, "mypy", f"--cache-dir={cache}"),
                "ruff": others.submit(copy.run, "ruff", "check", "--no-cache", "."),
                "pytest": others.submit(copy.run, "pytest", *options, "tests"),
            }
        yield made


def without(*rooms: str) -> pytest.MarkDecorator:
    """For each copy, or for those alone that lack one of these."""
    names = [name for name, gone in WITHOUT.items() if not rooms or set(rooms) & set(gone)]
    return pytest.mark.parametrize("copy", names, indirect=True)


@pytest.fixture
def copy(request: pytest.FixtureRequest, copies: dict[str, Copy]) -> Copy:
    return copies[request.param]


def copy_checkout(folder: Path) -> None:
    """What a clone would have, and what is not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q", folder], check=True)


def take_out(room: str, folder: Path) -> None:
    """Do what the section says: each command, each line to drop; then drop the section itself."""
    page = folder / GUIDE.relative_to(ROOT)
    section = re.search(rf"^## Without the {room}\n(?:(?!## ).*\n)*", page.read_text(), re.MULTILINE)
    assert section
    commands = re.findall(r"^    (rm .+)$", section[0], re.MULTILINE)
    (line,) = re.findall(r"In `app\.py` drop the line with `([^`]+)`", section[0])
    (told,) = re.findall(r"In `docs/` drop or reword the lines with ([^.]*(?:\.\w+[^.]*)*)\.\n", section[0])
    for command in commands:
        assert re.fullmatch(r"rm (-r )?[\w./* -]+", command) and ".." not in command
        for pattern in shlex.split(command)[1:]:
            found = [] if pattern == "-r" else sorted(folder.glob(pattern))
            assert found or pattern == "-r", f"{command}: there is no {pattern}"
            for path in found:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert drop(folder / "app.py", [line]) == 1
    page.write_text(page.read_text().replace(section[0], ""))
    marks = re.findall("`([^`]+)`", told)
    for prose in (folder / "README.md", *sorted((folder / "docs").rglob("*.md"))):
        drop(prose, marks)


def drop(path: Path, marks: list[str]) -> int:
    """Drop the lines with one of these, at the start of a name; how many there were."""
    gone = re.compile("|".join(rf"(?<![\w~]){re.escape(mark)}" for mark in marks))
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not gone.search(line)]
    path.write_text("".join(kept))
    return len(lines) - len(kept)


@without()
def test_the_app_starts_and_chats_and_has_no_trace_of_them(copy: Copy, tmp_path: Path) -> None:
    with FakeOpenAI() as fake, serving(tmp_path) as start:
        served = start(**fake.env, checkout=copy.folder, ADMIN_PASSWORD="a horse with a battery")
        visitor = served.visitor()
        reply = visitor.say("Hello")
        assert reply.is_done and reply.text == fake.calls[-1].text and visitor.stored()["messages"]
        assert [visitor.get(path).status for path in ("/", "/guide/get-a-key")] == [200, 200]
        expected = 404 if "desk" in copy.rooms else 200
        assert [visitor.get(path).status for path in ("/admin/enter", "/metrics")] == [expected, expected]
        assert ("the desk is" in served.log) == ("desk" not in copy.rooms)
        assert served.stop() == 0 and "Traceback" not in served.log


@without("tutor")
def test_without_the_tutor_and_a_key_the_start_is_refused_with_the_reason(copy: Copy, tmp_path: Path) -> None:
    with serving(tmp_path) as start:
        served = start(checkout=copy.folder, wait=False)
        assert served.process.wait(60) != 0
    assert "OPENAI_API_KEY is not set, and the tutor, which would answer without it" in served.log
    assert "Traceback" not in served.log


@without("tutor")
def test_without_the_tutor_and_a_key_the_commands_say_that_nobody_answers(copy: Copy) -> None:
    told = copy.run("flask", "keys", "status", OPENAI_API_KEY="")
    assert told.returncode == 1 and "no key is set, and the tutor, which would answer, is taken out" in told.stdout


@without("lab")
def test_without_the_lab_there_is_no_such_command(copy: Copy) -> None:
    told = copy.run("flask", "--help")
    assert told.returncode == 0 and "doctor" in told.stdout
    assert not re.search(r"^\s+lab\b", told.stdout, re.MULTILINE)


@without()
@pytest.mark.parametrize("check", ["ruff", "mypy"])
def test_what_is_left_passes_the_linter_and_the_types(copy: Copy, check: str) -> None:
    done = copy.checks[check].result()
    assert done.returncode == 0, done.stdout + done.stderr


@without()
def test_no_rule_no_test_and_no_page_of_the_docs_needs_what_is_gone(copy: Copy) -> None:
    """All tests are collected, and so imported; those of the rules are run, and once those of the docs."""
    done = copy.checks["pytest"].result()
    assert done.returncode == 0, done.stdout
