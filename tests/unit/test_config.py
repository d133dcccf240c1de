"""Settings: documented one by one, and refused in words when they are wrong, without a word of a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.config import EPHEMERAL, ROOT, Settings, load_settings
from chatbot.errors import SettingsError
from chatbot.signing import load_signer
from tests.fake_openai import make_key
from tests.unit import settings_table

CANARY = "Canary" + "Secret42"
NAMES = [name.upper() for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Only what a test sets is set."""
    for name in list(os.environ):
        if name.upper() in NAMES or name in EPHEMERAL:
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/chat.db")
    yield


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """The lines with which a start is refused."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return refused.value.lines


def test_the_example_lists_every_setting_with_its_default_and_a_word_about_it() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = dict(re.findall(r"(?m)^# (?![A-Z_]+=)[^\n]+\n# ([A-Z_]+)=(.*)$", text))
    assert listed == {
        name.upper(): settings_table.documented(field.default) for name, field in Settings.model_fields.items()
    }
    assert not re.search(r"(?m)^[^#\n]", text), "a line that sets something"


def test_the_docs_list_every_setting_with_its_default_what_it_allows_and_its_meaning() -> None:
    assert settings_table.table() in settings_table.PAGE.read_text(), "run `make docs`"


def test_nothing_set_means_the_defaults() -> None:
    settings = load_settings()
    fields = {name: field.default for name, field in Settings.model_fields.items() if name != "database_url"}
    assert {name: getattr(settings, name) for name in fields} == fields


BAD = {
    "OPENAI_BASE_URL": ["api.openai.com", "ftp://host", f"https://user:{CANARY}@host/v1", "http://h:99999", "http://[::1",
                        "https://evil.example/?https://api.openai.com/v1", "http://h/v1#a", "http://", f"http://user:{CANARY}"],
    "OPENAI_API": ["soap", "Responses"],
    "SUGGESTED_QUESTIONS": ["a|b|c|d|e|f|g", f"What? {CANARY * 10}"],
    "MAX_OUTPUT_TOKENS": ["0", "many", "1.5"],
    "MAX_MESSAGE_CHARS": ["0", "-1"],
    "MAX_CONTEXT_TOKENS": ["0"],
    "BUDGET_SITE_DAY": ["-1", "five", "NaN", "1000001"],
    "BUDGET_SITE_MONTH": ["$50"],
    "BUDGET_VISITOR_DAY": ["0,50"],
    "MODEL_PRICES": ["my-model=1/1", "my-model=1/1/-1", "=1/1/1", "m=a/b/c", "m=NaN/1/1", "m=1/0.0000001/1"],
    "ALLOWED_ORIGINS": ["*", "null", "chat.example.org", "https://a.example/b", "ftp://a.example", "https://u@a.example"],
    "MODERATION": ["on"],
    "LIMIT_VISITOR": ["lots", "8", "8/fortnight", ";"],
    "LIMIT_NETWORK": ["30 per"],
    "LIMIT_SITE": ["-5/day"],
    "LIMIT_NEW_VISITORS": ["x/hour"],
    "LIMIT_TOKENS_VISITOR": ["200000"],
    "MAX_CONCURRENT_REPLIES": ["0"],
    "RATELIMIT_STORAGE_URI": ["redis", f"mongodb://u:{CANARY}@h", f"redis://u:{CANARY}@h:port", f"redis://u:{CANARY}/#@h"],
    "DATABASE_URL": [f"mysql://u:{CANARY}@h/chat", "sqlite:///", "sqlite:///:memory:", "chat.db",
                     f"postgresql://u:{CANARY}@h:port/chat", f"postgresql://u:{CANARY}/more@h/chat",
                     f"postgres://u:[{CANARY}]@h/chat"],
    "SECRET_KEY": [CANARY[:7]],
    "ACCESS_CODE": [CANARY[:3]],
    "ADMIN_PASSWORD": [CANARY[:9]],
    "ALERT_AT": ["0,50", "101", "half", "50.5", "-1"],
    "TRUSTED_PROXIES": ["-1", "11", "one"],
    "LOG_FORMAT": ["xml"],
    "PORT": ["http", "65536", "-1"],
    "WEB_CONCURRENCY": ["0", "many", "1000"],
}  # fmt: skip


@pytest.mark.parametrize("name,value", [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_in_one_line_with_its_name_and_an_example(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = refusal(monkeypatch, **{name: value})
    assert re.fullmatch(rf"{name} is not valid: (.{{10,}})\. Example: {name}=\S.*", line), line
    assert not re.search(r"canary|secret4|at least \d+ items", line, re.IGNORECASE), line


@pytest.mark.parametrize("name", BAD)
def test_the_example_of_a_refusal_would_be_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = refusal(monkeypatch, **{name: BAD[name][0]})
    monkeypatch.setenv(name, line.partition(f" Example: {name}=")[2])
    load_settings()


def test_an_env_file_that_cannot_be_read_is_named_and_nothing_else_is() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(_env_file="/proc/self/mem")  # which is there for root, too, and cannot be read
    assert refused.value.lines == [".env cannot be read: OSError. Let this user read it."]


def test_a_folder_that_cannot_be_written_is_refused_in_a_line() -> None:
    with pytest.raises(SettingsError) as refused:
        load_signer(load_settings(database_url="sqlite:////proc/chat.db"))
    (line,) = refused.value.lines
    assert line.startswith("DATABASE_URL names a folder that cannot be written: ")


def test_every_bad_value_gets_a_line() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(port="http", openai_api="soap", limit_site="lots")
    assert [line.split()[0] for line in refused.value.lines] == ["OPENAI_API", "LIMIT_SITE", "PORT"]
    assert str(refused.value) == "\n".join(refused.value.lines)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    default = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == default


def test_a_real_variable_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_MODEL=from-file\nMAX_OUTPUT_TOKENS=99\nLIMIT_SITE=7/day\n")
    monkeypatch.setenv("OPENAI_MODEL", "from-variable")
    monkeypatch.setenv("LIMIT_SITE", "")
    settings = load_settings(_env_file=tmp_path / ".env")
    assert (settings.openai_model, settings.max_output_tokens) == ("from-variable", 99)
    assert settings.limit_site == "7/day", "an empty variable hides the file's value"


def test_a_bad_value_in_the_env_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SECRET_KEY={CANARY[:6]}\nNOT_OURS=1\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(_env_file=tmp_path / ".env")
    (line,) = refused.value.lines
    assert line.startswith("SECRET_KEY is not valid") and CANARY[:6] not in line


def test_postgres_addresses_are_accepted_in_both_spellings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", CANARY)
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        monkeypatch.setenv("DATABASE_URL", f"{scheme}://chat:p%40ss@db.example:5432/chat?sslmode=require")
        settings = load_settings()
        assert settings.database_url == "postgresql+psycopg://chat:p%40ss@db.example:5432/chat?sslmode=require"
        assert settings.sqlite_path is None


def test_off_sqlite_a_secret_is_required(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (line,) = refusal(monkeypatch, DATABASE_URL=f"postgresql://chat:{CANARY}@h/chat")
    assert line.startswith("SECRET_KEY is required") and "Example: SECRET_KEY=" in line and CANARY not in line
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret"))
    load_settings()


@pytest.mark.parametrize("mark", EPHEMERAL)
def test_sqlite_on_a_disk_that_is_not_kept_is_refused(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = refusal(monkeypatch, DATABASE_URL="sqlite:////chat.db", **{mark: "web.1"})
    assert line.startswith("DATABASE_URL ") and EPHEMERAL[mark] in line
    assert "Example: DATABASE_URL=postgresql://" in line
    monkeypatch.setenv("DATABASE_URL", "postgres://chat@h/chat")
    monkeypatch.setenv("SECRET_KEY", CANARY)
    load_settings()


def test_sqlite_on_a_mounted_volume_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_APP_NAME", "chat")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////data/kept/chat.db")
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == "/data")
    monkeypatch.setattr(Path, "mkdir", lambda *_args, **_kwargs: None)
    load_settings()


def test_a_folder_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (line,) = refusal(monkeypatch, DATABASE_URL=f"sqlite:///{tmp_path}/file/chat.db")
    assert line.startswith("DATABASE_URL ") and "Example: DATABASE_URL=" in line


@pytest.mark.parametrize("uri", ["memory://", "memory://here"])
def test_counting_in_memory_needs_a_single_worker(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATELIMIT_STORAGE_URI", uri)
    load_settings()
    (line,) = refusal(monkeypatch, WEB_CONCURRENCY="2")
    assert line.startswith("RATELIMIT_STORAGE_URI ") and "Example: RATELIMIT_STORAGE_URI=" in line


def test_lists_are_split_at_commas_and_the_default_model_stands_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_MODEL", "b")
    monkeypatch.setenv("OPENAI_MODELS", "a, b ,,c")
    assert load_settings().models == ["b", "a", "c"]


def test_origins_are_kept_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://Chat.Example.org:443/, http://127.0.0.1:5173, http://a.example:80")
    assert load_settings().allowed_origins == ["https://chat.example.org", "http://127.0.0.1:5173", "http://a.example"]


@pytest.mark.parametrize("value,questions", [(" What, and why? || How?|", ["What, and why?", "How?"]), ("|", [])])
def test_suggested_questions_are_split_at_bars(
    monkeypatch: pytest.MonkeyPatch, value: str, questions: list[str]
) -> None:
    monkeypatch.setenv("SUGGESTED_QUESTIONS", value)
    assert load_settings().suggested_questions == questions


@pytest.mark.parametrize("name", ["LIMIT_SITE", "OPENAI_API", "PORT", "RATELIMIT_STORAGE_URI", "DATABASE_URL"])
def test_a_key_in_the_wrong_variable_is_not_quoted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    key = make_key()
    (line,) = refusal(monkeypatch, **{name: key})
    assert line.startswith(f"{name} is not valid: ")
    assert key[10:30] not in line


def test_settings_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("SECRET_KEY", CANARY)
    settings = load_settings()
    assert CANARY not in repr(settings) + str(settings) + settings.model_dump_json()
