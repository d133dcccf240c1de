"""What `flask setup` writes with: lines of `.env`, private files, and settings that would refuse a start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.commands.first_run import env_file, private_file
from chatbot.commands.first_run.choices import Choices
from chatbot.commands.first_run.env_file import EnvFile
from chatbot.commands.setup import setup
from chatbot.errors import SettingsError
from chatbot.fields import Fields

TYPED = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
# Of what an `.env` can be made of: comments, several lines in quotes, a name in them, ends of lines of each kind.
LINES = st.sampled_from(
    [
        "# a comment\n",
        "\n",
        "OTHER=1\r\n",
        "export THIRD='a b' # why\n",
        'LONG="one\nNAME=two\nthree"\n',
        "QUOTED='it\\'s\nNAME=no'\n",
        "garbage here\n",
        "EMPTY=\n",
        "NAME=old\n",
        "name='old'\n",
        " export NAME = old # note\n",
        "# NAME=example\n",
        "NAME\n",
    ]
)


def read(text: str, tmp: Path) -> dict[str, str | None]:
    path = tmp / "read.env"
    path.write_bytes(text.encode())
    return dict(dotenv_values(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("env")


@settings(deadline=None)
@given(TYPED)
@example("it's \"a\" # $HOME ${HOME} ${HOME:-x} \\' \\n \\\\ `x` ${:-$}{}")
@example(" blanks around ")
@example("'")
def test_whatever_was_typed_is_read_as_it_is(folder: Path, value: str) -> None:
    assert read(EnvFile(folder / ".env", "").changed("NAME", value).text, folder) == {"NAME": value}


@settings(deadline=None)
@given(st.lists(LINES), st.booleans())
def test_a_changed_value_has_one_line_and_every_other_line_stays(folder: Path, lines: list[str], has_end: bool) -> None:
    text = "".join(lines) if has_end else "".join(lines).rstrip("\r\n")
    before = {name: value for name, value in read(text, folder).items() if name.upper() != "NAME"}
    changed = EnvFile(folder / ".env", text).changed("NAME", "new one")
    assert read(changed.text, folder) == {**before, "NAME": "new one"}
    assert changed.text.splitlines().count("NAME='new one'") == 1
    kept = [line for line in lines if not line.lower().lstrip().removeprefix("export ").startswith("name")]
    assert [line for line in kept if line.rstrip("\r\n") not in changed.text] == []
    without = changed.changed("NAME", None)
    assert read(without.text, folder) == before
    assert "NAME" not in without and "NAME" in changed


def test_a_new_value_stands_where_its_example_does() -> None:
    text = "# Model\n# OPENAI_MODEL=gpt-6-luna\n\n# Other\n"
    changed = EnvFile(Path(".env"), text).changed("OPENAI_MODEL", "gpt-6-sol")
    assert changed.text == "# Model\n# OPENAI_MODEL=gpt-6-luna\nOPENAI_MODEL=gpt-6-sol\n\n# Other\n"
    assert changed.line_of("OPENAI_MODEL") == 3


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"# caf\xe9\n")
    assert env_file.read(path).changed("NAME", "x").content == b"# caf\xe9\nNAME=x\n"


def test_a_file_is_closed_from_its_first_byte_and_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    mask = os.umask(0)
    try:
        with private_file.Draft(tmp_path / "link", b"new") as draft:
            assert draft.path.stat().st_mode & 0o777 == 0o600
            assert (tmp_path / "real").read_text() == "old"
        assert not draft.path.exists()
        private_file.write([(tmp_path / "link", b"new"), (tmp_path / "other", b"one")])
    finally:
        os.umask(mask)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "other", "real"]
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("old")
    with pytest.raises(OSError):
        private_file.write([(tmp_path / "first", b"new"), (tmp_path / "missing" / "second", b"new")])
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    assert (tmp_path / "first").read_text() == "old"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of the environment none of the app's settings."""
    for name in Fields.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_a_broken_value_that_is_asked_for_is_told_and_left_out(
    tmp_path: Path, bare: object, capsys: pytest.CaptureFixture[str]
) -> None:
    env = EnvFile(tmp_path / ".env", "BUDGET_SITE_DAY=lots\nADMIN_PASSWORD=short\nPORT=8001\n")
    choices = Choices(env)
    assert choices.env.text == "PORT=8001\n"
    said = capsys.readouterr().out
    assert "BUDGET_SITE_DAY is not valid" in said and "ADMIN_PASSWORD is not valid" in said
    assert "short" not in said


def test_any_other_broken_value_stops_it_with_its_line(tmp_path: Path, bare: object) -> None:
    env = EnvFile(tmp_path / ".env", "# ports\n\nPORT=many\nBUDGET_SITE_DAY=lots\n")
    with pytest.raises(SettingsError, match=r"PORT is not valid.+It stands in line 3 of \.env\.$") as refused:
        Choices(env)
    assert len(refused.value.lines) == 1
    assert list(tmp_path.iterdir()) == []


def test_where_the_platform_keeps_no_files_nothing_is_asked(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DYNO", "web.1")
    ran = CliRunner().invoke(setup)
    assert ran.exit_code == 1
    assert "Heroku keeps no files: set OPENAI_API_KEY and the others as variables there." in ran.output
