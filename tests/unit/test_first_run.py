"""What `flask setup` writes with: lines of `.env`, private files, and settings that would refuse a start."""

from __future__ import annotations

import errno
import io
import os
import time
from contextlib import AbstractContextManager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click import ClickException
from click.testing import CliRunner
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.commands.first_run import env_file, key_steps, private_file
from chatbot.commands.first_run.asking import ask_hidden
from chatbot.commands.first_run.choices import Choices
from chatbot.commands.first_run.door_steps import ask_access_code
from chatbot.commands.first_run.env_file import EnvFile
from chatbot.commands.first_run.money_step import ask_budget
from chatbot.commands.setup import Found, found, refuse_where_it_cannot_stay, save, setup
from chatbot.errors import SettingsError
from chatbot.fields import Fields
from chatbot.key.credential import Key
from chatbot.signing import Signer
from tests.answering import answering, give
from tests.fake_openai import make_key

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


def piped(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_byte_order_mark_hides_no_name_and_is_not_written(tmp_path: Path, bare: object) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfACCESS_CODE=old words\n")
    changed = env_file.read(path).changed("ACCESS_CODE", "new-words")
    assert changed.content == b"ACCESS_CODE=new-words\n"
    code = changed.load().access_code
    assert code and code.get_secret_value() == "new-words"


def test_a_key_is_taken_and_shown_at_no_prompt_but_its_own(
    tmp_path: Path, bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = make_key()
    choices = Choices(EnvFile(tmp_path / ".env", f"OPENAI_MODEL={key}\n"))
    piped(bare, key, "gpt-6-luna", "$ 4", key, "5", "", "o", key, "some words", "some words")
    ask_budget(choices)
    ask_access_code(choices)
    said = capsys.readouterr().out
    assert said.count("That is a key: it belongs to the first question. Revoke it if others saw it.") == 3
    assert key not in said and key not in choices.env.text
    assert "\nBUDGET_SITE_DAY=4\nBUDGET_SITE_MONTH=5\nACCESS_CODE='some words'\n" in "\n" + choices.env.text


def test_what_a_terminal_puts_around_a_paste_is_no_part_of_it(bare: pytest.MonkeyPatch) -> None:
    piped(bare, "\x1b[200~pasted\x1b[201~")
    assert ask_hidden("?") == "pasted"


@pytest.fixture
def place(tmp_path: Path, bare: pytest.MonkeyPatch) -> Path:
    """Where `flask setup` writes to."""
    bare.setattr("chatbot.commands.setup.ROOT", tmp_path)
    bare.setattr("chatbot.commands.setup.ENV_PATH", tmp_path / ".env")
    bare.setattr("chatbot.commands.setup.KEY_PATH", tmp_path / "instance" / "openai-key")
    (tmp_path / ".env").write_text("PORT=8001\n")
    return tmp_path


def chosen(place: Path) -> tuple[Choices, Found]:
    before = found()
    choices = Choices(before[0])
    choices.key = Key(make_key(), "This", Signer("of the tests"))
    choices.change("BUDGET_SITE_DAY", "4")
    return choices, before


@pytest.mark.parametrize("name", [".env", "openai-key"])
def test_what_was_changed_meanwhile_is_not_overwritten(place: Path, name: str) -> None:
    choices, before = chosen(place)
    changed = place / "instance" / name if name == "openai-key" else place / name
    changed.parent.mkdir(exist_ok=True)
    changed.write_text("PORT=8002\n")
    kept = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    with pytest.raises(ClickException, match=r"\.env or the key was changed meanwhile: nothing was written"):
        save(choices, before)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize("has_key", [True, False])
def test_what_cannot_be_written_is_told_in_words_and_changes_nothing(
    place: Path, bare: pytest.MonkeyPatch, has_key: bool
) -> None:
    (place / "instance" / "openai-key").mkdir(parents=True)
    choices, before = chosen(place)
    with pytest.raises(ClickException, match="openai-key cannot be written: Is a directory"):
        save(choices, before)

    (place / "instance" / "openai-key").rmdir()
    if has_key:
        (place / "instance" / "openai-key").write_text("old")
    before = found()

    def replace(path: Path, target: Path) -> None:
        if target.name == ".env":  # as where it is mounted by itself
            raise OSError(errno.EBUSY, "Busy", str(path), None, str(target))
        path.rename(target)

    bare.setattr("os.replace", replace)
    with pytest.raises(ClickException, match=r"\.env cannot be written: Busy. Nothing was changed."):
        save(choices, before)
    kept = {path.name: path.read_text() for path in place.rglob("*") if path.is_file()}
    assert kept == {".env": "PORT=8001\n"} | ({"openai-key": "old"} if has_key else {})

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    bare.setattr("os.fsync", fsync)
    with pytest.raises(
        ClickException, match=r"A file cannot be written: No space left on device. Nothing was changed."
    ):
        save(choices, found())


def test_where_the_standard_input_is_closed_it_is_said(bare: pytest.MonkeyPatch) -> None:
    bare.setattr("sys.stdin", None)
    with pytest.raises(ClickException, match="standard input is closed"):
        refuse_where_it_cannot_stay()


def test_an_env_that_is_no_utf_8_is_told_in_words(tmp_path: Path, bare: object) -> None:
    (tmp_path / ".env").write_bytes(b"SITE_NAME=caf\xe9\n")
    with pytest.raises(SettingsError, match=r"\.env is not written in UTF-8"):
        env_file.read(tmp_path / ".env").load()


def odd(*bodies: bytes | None) -> AbstractContextManager[str]:
    """A server that answers each request by the next of these bodies; None comes by a byte a moment, without end."""
    left = list(bodies)

    def answer(request: BaseHTTPRequestHandler) -> None:
        if (body := left.pop(0)) is not None:
            give(request, 200, body, Content_Type="text/html" if body[:1] == b"<" else "application/json")
            return
        give(request, 200, b"", Content_Type="application/json", Content_Length="10000")
        with suppress(OSError):
            for _ in range(10_000):
                request.wfile.write(b" ")
                time.sleep(0.05)

    return answering(answer)


def test_a_server_that_is_none_of_openais_or_never_ends_proves_no_key(
    place: Path, bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with odd(b"<html></html>", b"[]", b'{"data": null}', b"{", None) as url:
        env = f"OPENAI_BASE_URL={url}/v1\nOPENAI_TRUSTED_HOSTS=127.0.0.1\nSECRET_KEY=of the tests\n"
        choices = Choices(EnvFile(place / ".env", env))
        piped(bare, make_key(), "t", "t", "t", "")
        key_steps.ask_key(choices, place / "key")
        bare.setattr(key_steps, "PROOF_S", 0.5)
        piped(bare, make_key(), "")
        key_steps.ask_key(choices, place / "key")
    said = capsys.readouterr().out
    assert said.count("that address does not answer as OpenAI does: check OPENAI_BASE_URL.") == 4
    assert said.count("is not proven: no whole answer in time.") == 1
    assert choices.key is None
