"""Settings: the only place that reads the environment (pydantic-settings over python-dotenv).

What can be set stands in chatbot/fields.py. Real variables win over `.env`; an empty one counts as unset.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatbot.errors import SettingsError
from chatbot.fields import Fields

ROOT = Path(__file__).resolve().parent.parent
OPENAI_HOSTS = ("api.openai.com", "us.api.openai.com", "eu.api.openai.com")
# Platforms whose disk is thrown away at each deploy, by the variable that each sets.
EPHEMERAL = {"DYNO": "Heroku", "RENDER": "Render", "FLY_APP_NAME": "Fly", "K_SERVICE": "Cloud Run"}
# Variables that are secrets, or addresses that may hold a password: no child process gets them.
SECRETS = (
    "OPENAI_API_KEY", "OPENAI_API_KEY_STANDBY", "SECRET_KEY", "DATABASE_URL", "RATELIMIT_STORAGE_URI", "ACCESS_CODE",
    "ADMIN_PASSWORD", "ALERT_URLS",
)  # fmt: skip
MOST_SECRET_BYTES = 65_536
IDENTITY = ("OPENAI_IDENTITY_PROVIDER_ID", "OPENAI_SERVICE_ACCOUNT_ID", "OPENAI_IDENTITY_TOKEN_FILE")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(Fields, BaseSettings):
    """All settings, validated. Secrets are masked when shown."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    @property
    def models(self) -> list[str]:
        """Allowed models, the default first."""
        return list(dict.fromkeys([self.openai_model, *self.openai_models]))

    @property
    def called_models(self) -> list[str]:
        """Those, and the one that names chats."""
        return list(dict.fromkeys([*self.models, *filter(None, [self.title_model])]))

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file, or None on another database; relative paths start at the checkout."""
        if not self.database_url.startswith("sqlite:"):
            return None
        return ROOT / self.database_url.removeprefix("sqlite:///")

    @property
    def upstream_host(self) -> str:
        """The host, in lower case, that calls and the key go to."""
        return (urlsplit(self.openai_base_url).hostname or "").lower()

    @model_validator(mode="after")
    def _together(self) -> Settings:
        if (self.ratelimit_storage_uri or "").startswith("memory:") and self.web_concurrency > 1:
            why = "is memory://, which would give each of several workers its own count: unset it, or share one"
            _refuse("RATELIMIT_STORAGE_URI", why, "redis://localhost:6379")
        missing = [name for name in IDENTITY if not getattr(self, name.lower())]
        if 0 < len(missing) < len(IDENTITY):
            _refuse(missing[0], f"is missing: workload identity needs {', '.join(IDENTITY)}", "...")
        if self.sqlite_path is None and not (self.secret_key or self.secret_key_file):
            _refuse("SECRET_KEY", "is required when DATABASE_URL is not SQLite", "<32 random characters>")
        where = platform()
        if where and self.sqlite_path and not _on_volume(self.sqlite_path):
            _refuse("DATABASE_URL", f"points to a disk that {where} does not keep", "postgresql://user@host/chat")
        return self


def load_settings(**overrides: Any) -> Settings:
    """Read and validate all settings. Raises SettingsError with one line per fault, never quoting a secret."""
    try:
        if "_env_file" not in overrides:
            _leave_to_file(ROOT / ".env")
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError([_line(fault) for fault in error.errors()]) from None
    except UnicodeError:
        raise SettingsError([".env is not written in UTF-8. Save it as that."]) from None
    except OSError as error:
        raise SettingsError([f".env cannot be read: {type(error).__name__}. Let this user read it."]) from None
    if settings.sqlite_path:
        with folder_of_database("made"):
            settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    return settings


@contextmanager
def folder_of_database(what: str) -> Iterator[None]:
    """Inside, the folder of the SQLite file is made or written. Raises SettingsError where that fails."""
    try:
        yield
    except OSError as error:
        why = f"names a folder that cannot be {what}: {type(error).__name__}"
        raise SettingsError([f"DATABASE_URL {why}. Example: DATABASE_URL=sqlite:///instance/chat.db"]) from None


def _leave_to_file(path: Path) -> None:
    """`flask` copies `.env` into the environment; there its values would outlive a change of the file."""
    copied = dotenv_values(path) if path.is_file() else {}
    for name in [name for name in copied if name.lower() in Settings.model_fields]:
        if os.environ.get(name) == copied[name] and name not in _given():
            del os.environ[name]


def _given() -> set[str]:
    """What this process was started with, as far as the system tells: it wins over `.env`, though it be the same."""
    with suppress(OSError):  # another system, or a process that changed its user
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
        return {os.fsdecode(entry.partition(b"=")[0]) for entry in entries}
    return set()


def refuse_open_debugger(host: str, debugger: bool = False) -> None:
    """Raises SettingsError: a debugger that others can reach lets them run code, and so read the key.

    It is on by FLASK_DEBUG, as Flask reads it, or where the caller knows that it is.
    """
    is_on = debugger or os.environ.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no")
    if is_on and host not in LOOPBACK:
        raise SettingsError([f"FLASK_DEBUG is on, and HOST={host} lets others reach the debugger. Unset FLASK_DEBUG."])


def platform() -> str | None:
    """The platform this runs on, if its disk is thrown away and its router stands in front."""
    return next((name for mark, name in EPHEMERAL.items() if os.environ.get(mark)), None)


def child_environment() -> dict[str, str]:
    """This process's environment for a process that it starts: without the app's secrets."""
    return {name: value for name, value in os.environ.items() if name.upper() not in SECRETS}


def forget_secrets() -> None:
    """Take the secrets out of this process's environment once they are loaded, for children that others start."""
    for name in [name for name in os.environ if name.upper() in SECRETS]:
        del os.environ[name]


def read_file(name: str, path: Path) -> str:
    """The text of the file that a setting names, stripped. Raises SettingsError."""
    try:
        if path.exists() and not path.is_file():
            raise IsADirectoryError  # nor a pipe, which would be waited for
        with path.open("rb") as file:
            return file.read(MOST_SECRET_BYTES).decode("utf-8-sig").strip()
    except (OSError, UnicodeError) as error:
        why = f"cannot be read: {type(error).__name__}"
        raise SettingsError([f"{name} {why}. Example: {name}=/run/secrets/{name.lower()}"]) from None


def _refuse(name: str, why: str, example: str) -> None:
    raise ValueError(f"{name} {why}. Example: {name}={example}")


def _line(fault: Any) -> str:
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "too_short":
        said = f"it needs {fault['ctx']['min_length']} characters or more"
    if not fault["loc"]:
        return str(said)
    field = Settings.model_fields[str(fault["loc"][0])]
    name = str(fault["loc"][0]).upper()
    example = (field.examples or [field.default])[0]
    return f"{name} is not valid: {said}. Example: {name}={example}"


def _on_volume(path: Path) -> bool:
    return any(os.path.ismount(parent) for parent in path.parents if parent != Path("/"))
