"""The key: whole and clean or refused, for trusted hosts alone, and never printed."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import sys
import traceback
from pathlib import Path

import pytest

from chatbot.config import Settings, load_settings
from chatbot.errors import SettingsError
from chatbot.key.credential import Credential, Key
from chatbot.key.redact import redact
from chatbot.key.source import load_sources
from chatbot.key.watch import watch
from chatbot.logs import Formatter, set_up_logs
from chatbot.signing import Signer
from tests.fake_openai import make_key

SIGNER = Signer("the secret of these tests")
KEY = make_key()


def given(**values: object) -> Settings:
    """Settings as a file or the environment would give them, and nothing else."""
    return load_settings(_env_file=None, **values)


def load_key(settings: Settings, signer: Signer) -> Credential | None:
    """The first one, as the ring would take it."""
    sources = load_sources(settings, signer)
    return sources[0].credential() if sources else None


def refusal(settings: Settings) -> str:
    """The one line that refuses; nowhere in the error, its causes or its locals is the key."""
    with pytest.raises(SettingsError) as refused:
        load_key(settings, SIGNER)
    told = "".join(traceback.format_exception(refused.value))
    assert KEY not in told and KEY[10:40] not in told
    (line,) = refused.value.lines
    return line


@pytest.mark.parametrize("stray", ["\n", "\r", "\r\n", " ", "\t", "\v", "\f", "\u00a0", "\u2028"])
@pytest.mark.parametrize("from_file", [False, True], ids=["variable", "file"])
def test_whitespace_around_the_key_is_stripped(stray: str, from_file: bool, tmp_path: Path) -> None:
    for raw in (KEY + stray, stray + KEY, stray + KEY + stray * 2):
        if from_file:
            (tmp_path / "key").write_bytes(raw.encode())
            key = load_key(given(openai_api_key_file=tmp_path / "key"), SIGNER)
        else:
            key = load_key(given(openai_api_key=raw), SIGNER)
        assert isinstance(key, Key) and key.reveal() == KEY


@pytest.mark.parametrize("stray", ['"', "'", "`", "\u200b", "\0", "\x7f", "\u201c", "é"])
def test_quotes_and_odd_characters_around_the_key_are_refused(stray: str) -> None:
    for raw in (KEY + stray, stray + KEY, stray + KEY + stray):
        assert refusal(given(openai_api_key=raw)).startswith("OPENAI_API_KEY ")


@pytest.mark.parametrize("stray", [" ", "\n", "\t", "\r\n"])
def test_whitespace_inside_the_key_is_refused(stray: str) -> None:
    line = refusal(given(openai_api_key=KEY[:50] + stray + KEY[50:]))
    assert line.startswith("OPENAI_API_KEY ") and "\n" not in line


@pytest.mark.parametrize("raw", [" ", "\n", "\t\n "])
def test_a_key_of_nothing_but_whitespace_is_refused(raw: str, tmp_path: Path) -> None:
    assert refusal(given(openai_api_key=raw)).startswith("OPENAI_API_KEY is empty")
    (tmp_path / "key").write_text(raw)
    assert refusal(given(openai_api_key_file=tmp_path / "key")).startswith("OPENAI_API_KEY_FILE is empty")


@pytest.mark.parametrize("around", ["OPENAI_API_KEY={}", "Bearer:{}", "x{}", "{},", "{};{}"])
def test_more_than_a_key_is_refused_wherever_it_would_go(around: str) -> None:
    raw = around.replace("{}", KEY)
    for url in ("https://api.openai.com/v1", "http://127.0.0.1:9/v1"):
        assert "holds more than a key" in refusal(given(openai_api_key=raw, openai_base_url=url))


def test_an_admin_key_is_refused() -> None:
    assert "admin key" in refusal(given(openai_api_key=make_key("admin")))


def test_the_file_is_asked_before_the_variable_and_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + KEY.encode() + b"\r\n")
    key = load_key(given(openai_api_key_file=tmp_path / "key", openai_api_key=make_key()), SIGNER)
    assert isinstance(key, Key) and key.reveal() == KEY


def test_what_stands_in_the_variable_is_guarded_though_a_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    assert load_key(given(openai_api_key_file=tmp_path / "key", openai_api_key=(idle := make_key())), SIGNER)
    assert watch.finds(idle)
    admin = given(openai_api_key_file=tmp_path / "key", openai_api_key=make_key("admin"))
    assert "OPENAI_API_KEY is an admin key" in refusal(admin)


def test_a_file_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "utf16").write_bytes(KEY.encode("utf-16"))
    for path in (tmp_path / "missing", tmp_path, tmp_path / "utf16"):
        line = refusal(given(openai_api_key_file=path))
        assert line.startswith("OPENAI_API_KEY_FILE cannot be read: ") and "Example: " in line


def test_without_a_key_there_is_none() -> None:
    assert load_key(given(), SIGNER) is None


FOREIGN = [
    "https://api.openai.com.evil.example/v1",
    "https://evil.example/api.openai.com/v1",
    "https://api-openai.com/v1",
    "http://api.openai.com/v1",
    "http://127.0.0.1:9/v1",
    "https://[::1]/v1",
]


@pytest.mark.parametrize("kind", ["proj", "svcacct", "service", ""])
@pytest.mark.parametrize("url", FOREIGN)
def test_a_key_of_openai_goes_to_no_other_host(url: str, kind: str) -> None:
    line = refusal(given(openai_api_key=make_key(kind), openai_base_url=url))
    assert line.startswith("OPENAI_BASE_URL ")
    assert "OPENAI_TRUSTED_HOSTS=" in line or url.startswith("http://api.openai.com")


def test_not_even_a_trusted_openai_is_sent_a_key_in_the_clear() -> None:
    line = refusal(
        given(openai_api_key=KEY, openai_base_url="http://api.openai.com/v1", openai_trusted_hosts="api.openai.com")
    )
    assert line.startswith("OPENAI_BASE_URL would send the key in the clear")


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "https://eu.api.openai.com/v1", "https://API.OpenAI.com/v1"]
)
def test_a_key_of_openai_goes_to_openai(url: str) -> None:
    assert load_key(given(openai_api_key=KEY, openai_base_url=url), SIGNER)


@pytest.mark.parametrize(
    "trusted", ["gateway.example", "Gateway.Example", "gateway.example:8443", "other,gateway.example"]
)
def test_a_host_that_the_operator_names_may_have_it(trusted: str) -> None:
    settings = given(
        openai_api_key=KEY, openai_base_url="https://gateway.example:8443/v1", openai_trusted_hosts=trusted
    )
    assert load_key(settings, SIGNER)


@pytest.mark.parametrize(
    "trusted", ["example", "evil.gateway.example", "gateway.example.evil", "gateway.example:1", ""]
)
def test_a_host_like_one_that_the_operator_names_may_not(trusted: str) -> None:
    refusal(given(openai_api_key=KEY, openai_base_url="https://gateway.example:8443/v1", openai_trusted_hosts=trusted))


def test_another_servers_key_goes_where_the_operator_says() -> None:
    assert load_key(given(openai_api_key="local-server", openai_base_url="http://127.0.0.1:11434/v1"), SIGNER)


def test_a_key_shows_only_its_fingerprint() -> None:
    key = Key(KEY, "OPENAI_API_KEY", SIGNER)
    assert (
        key.fingerprint
        == Key(KEY, "OPENAI_API_KEY", SIGNER).fingerprint
        != Key(make_key(), "OPENAI_API_KEY", SIGNER).fingerprint
    )
    assert key.fingerprint != Key(KEY, "OPENAI_API_KEY", Signer("another secret")).fingerprint
    shown = [repr(key), str(key), f"{key}", f"{key!r}", repr([key]), repr({"key": key})]
    assert all(KEY not in text and key.fingerprint in text for text in shown)
    assert len(key.fingerprint) == 8 and key.fingerprint not in KEY


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy, pickle.dumps, vars, json.dumps])
def test_a_key_is_not_copied_pickled_or_laid_open(copying: object) -> None:
    with pytest.raises(TypeError) as refused:
        copying(Key(KEY, "OPENAI_API_KEY", SIGNER))  # type: ignore[operator]
    assert KEY not in str(refused.value)


def record(message: str, *args: object, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("chatbot.tests", logging.ERROR, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "formatter",
    [Formatter(load_settings(_env_file=None, log_format=form)) for form in ("text", "json")],
    ids=["text", "json"],
)
@pytest.mark.parametrize("kind", ["proj", "svcacct", "admin", ""])
def test_nothing_shaped_like_a_key_gets_into_a_log_line(formatter: logging.Formatter, kind: str) -> None:
    key = make_key(kind)
    try:
        try:
            raise ValueError(f"no header Bearer {key}")
        except ValueError as error:
            raise RuntimeError(f"{key}{key}") from error
    except RuntimeError:
        failed = record("failed with %s", key, exc_info=sys.exc_info())
    lines = [
        formatter.format(record(f"the key {key}")),
        formatter.format(record("%r and %s", {"key": key}, f"api_key={key}&x=1")),
        formatter.format(record("say %s", f'"{key}"\n{key}')),
        formatter.format(failed),
    ]
    for line in lines:
        assert "[key]" in line
        assert key not in line and key[15:40] not in line
    assert "RuntimeError" in lines[-1] and "ValueError" in lines[-1], "the traceback itself is kept"


def test_a_json_line_stays_json_when_something_is_taken_out() -> None:
    line = json.loads(Formatter(load_settings(_env_file=None, log_format="json")).format(record("a %s b", KEY)))
    assert line == {"time": line["time"], "level": "ERROR", "logger": "chatbot.tests", "message": "a [key] b"}


def test_ordinary_words_stay_in_the_log() -> None:
    text = "task-list, risk-management, sk-short and sk-..."
    assert redact(text) == text


def test_the_apps_loggers_write_redacted_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate, logger.level)
    try:
        set_up_logs(given())
        set_up_logs(given())
        logging.getLogger("chatbot.turn").error("once %s", KEY)
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])
    assert written.getvalue().count("once [key]") == 1 and KEY not in written.getvalue()
