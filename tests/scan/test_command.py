"""`flask scan` as a command: how it ends, what may stay, how long it takes, and that it raises no false alarm."""

from __future__ import annotations

import importlib.util
import os
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment
from tests.fake_openai_parts.keys import make_key
from tests.scan.repository import Repository, digits, run
from tests.warm import flask

PACKAGES = ["openai", "sqlalchemy", "mypy", "pip", "gevent", "pygments", "hypothesis", "pydantic", "alembic"]


def test_the_allow_list_lets_a_find_stay_with_a_reason(repository: Repository) -> None:
    key = make_key()
    repository.write("docs/a.txt", key)
    repository.write("b.txt", key)
    entry = f'[[allow]]\nfingerprint = "{digits(key)}"\nreason = "revoked in May"\n'
    repository.write("scan-allow.toml", f'{entry}path = "docs/a.txt"\n')
    repository.commit()
    assert repository.scan() == repository.scan("--history") == {("b.txt", digits(key))}
    repository.write("scan-allow.toml", entry)
    clean = run(str(repository.folder / "docs"))
    assert (clean.exit_code, clean.output) == (0, "1 file, no key found (1 on the allow-list).\n")
    repository.write("scan-allow.toml", f'[[allow]]\nfingerprint = "{digits(key)}"\n')
    refused = run(str(repository.folder))
    assert refused.exit_code == 2 and "reason" in refused.output


def test_no_program_that_the_scanned_repository_names_is_run(repository: Repository) -> None:
    repository.write("a.txt", "text")
    repository.commit()
    program = repository.write("program", "#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    for setting in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv"):
        repository.git("config", setting, str(program))
    repository.write(".gitattributes", "* diff=x\n")
    for mode in ([], ["--staged"], ["--history"]):
        repository.scan(*mode)
    assert not (repository.folder / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{clean}", "{leaky}"], 1, "1 found"),
        (["--staged", "{clean}"], 2, "not a git checkout"),
        (["--history", "{clean}"], 2, "not a git repository"),
        (["--staged", "--history"], 2, "one at a time"),
    ],
)
def test_a_scan_that_cannot_be_made_is_neither_clean_nor_a_find(
    folders: dict[str, Path], arguments: list[str], code: int, said: str
) -> None:
    done = run(*(argument.format(**folders) for argument in arguments))
    assert (done.exit_code, said in done.output) == (code, True), done.output


@pytest.mark.parametrize(
    ("argument", "code", "said"),
    [
        ("{clean}", 0, "1 file, no key found."),
        ("{leaky}", 1, "1 file, 1 found."),
        ("{clean}/nothing", 2, "There is no file"),
    ],
)
def test_flask_scan_ends_with_0_1_or_2(folders: dict[str, Path], argument: str, code: int, said: str) -> None:
    environment = clean_environment(DATABASE_URL=f"sqlite:///{folders['clean'].parent}/chat.db")
    done = flask("scan", argument.format(**folders), env=environment)
    heard = done.stdout + done.stderr
    assert (done.returncode, said in heard) == (code, True), heard
    assert (folders["leaky"] / "a.txt").read_text() not in heard


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    for name, text in (("clean", "OPENAI_API_KEY="), ("leaky", make_key())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(text)
    return {"clean": tmp_path / "clean", "leaky": tmp_path / "leaky"}


def test_a_file_that_cannot_be_read_is_named_as_not_scanned(folders: dict[str, Path]) -> None:
    (folders["clean"] / "memory").symlink_to("/proc/self/mem")
    assert run(str(folders["clean"])).output == "2 files, no key found.\n"  # a link is read, not followed
    done = run("/proc/self/mem")
    assert (done.exit_code, done.output) == (0, "0 files, no key found.\nNot looked into: 1 unreadable file.\n")


def test_what_is_compressed_is_named_as_not_looked_into(repository: Repository) -> None:
    with zipfile.ZipFile(repository.folder / "backup.ZIP", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(".env", make_key() * 9)
    repository.write("a.txt", "text")
    told = "no key found.\nNot looked into: 1 compressed file.\n"
    assert run(str(repository.folder)).output == f"2 files, {told}"
    repository.commit()
    assert run("--history", str(repository.folder)).output.endswith(told)


def test_ten_thousand_commits_take_less_than_a_minute(repository: Repository) -> None:
    key = repository.key("dir7/file7.py")
    stream = []
    for number in range(10_000):
        text = f"# version {number}\n" + "def token(self): return self.password\n" * 40 + (key if number == 7 else "")
        stream.append(
            f"commit refs/heads/main\ncommitter n <n@example.org> {1_700_000_000 + number} +0000\ndata 2\nm\n"
            f"M 100644 inline dir{number % 50}/file{number % 997}.py\ndata {len(text)}\n{text}\n"
        )
    repository.git("fast-import", "--quiet", input="".join(stream))
    start = sum(os.times()[:4])  # of this process and of git, whatever else the machine does
    assert repository.scan("--history") == repository.planted
    assert sum(os.times()[:4]) - start < 60


@pytest.mark.parametrize("package", PACKAGES)
def test_no_alarm_on_a_large_package(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec and spec.submodule_search_locations
    done = run(spec.submodule_search_locations[0])
    assert done.exit_code == 0, done.output
    assert int(done.output.split()[0]) > 50


def test_no_alarm_on_this_project_and_on_its_history() -> None:
    for mode in ([], ["--staged"], ["--history"]):
        done = run(*mode, str(ROOT))
        assert done.exit_code == 0, done.output
