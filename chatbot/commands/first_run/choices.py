"""What the operator has chosen so far: a text of `.env`, the settings that it makes, and a key. Nothing is written."""

from __future__ import annotations

import click

from chatbot.commands.first_run.asking import say
from chatbot.commands.first_run.env_file import EnvFile
from chatbot.config import Settings, load_settings
from chatbot.errors import SettingsError
from chatbot.key.credential import Key
from chatbot.money.prices import Prices

ASKED = (
    "OPENAI_API_KEY", "OPENAI_API_KEY_FILE", "OPENAI_MODEL", "BUDGET_SITE_DAY", "BUDGET_SITE_MONTH", "ACCESS_CODE",
    "ADMIN_PASSWORD",
)  # fmt: skip
# With these, what the environment alone sets is enough for a look at it.
ENOUGH = {"database_url": "postgresql://unused/unused", "secret_key": "not used"}


class Choices:
    """`key` is a new one; `made` are secrets, by what they are called, that the operator has not seen yet."""

    def __init__(self, env: EnvFile) -> None:
        """Raises SettingsError when something that is not asked for would refuse the start."""
        self.key: Key | None = None
        self.models: dict[str, str | None] = {}  # that the key may use, once OpenAI has told
        self.made: dict[str, str] = {}
        self.outside = {name.upper() for name in load_settings(_env_file=None, **ENOUGH).model_fields_set - set(ENOUGH)}
        self.env, self.settings = _usable(env)

    def may_change(self, name: str) -> bool:
        """Does `.env` decide this? Else say what does."""
        if name in self.outside:
            say(f"{name} is set in the environment, which wins over .env: change it there.")
        return name not in self.outside

    def change(self, name: str, value: str | None) -> bool:
        """Set a value, or take it out, if the settings allow it; else say why not."""
        env = self.env.changed(name, value)
        try:
            settings = env.load()
            if name == "OPENAI_MODEL":
                Prices(settings).check()
        except SettingsError as refused:
            say(str(refused))
            return False
        self.env, self.settings = env, settings
        return True


def _usable(env: EnvFile) -> tuple[EnvFile, Settings]:
    """Without those values that would refuse a start and are asked for. Raises SettingsError for any others."""
    try:
        return env, env.load()
    except SettingsError as refused:
        faults = [(line.split()[0], line) for line in refused.lines]
        lasting = [(name, line) for name, line in faults if name not in ASKED or name not in env]
        if lasting:
            raise SettingsError([line + _place(env, name) for name, line in lasting]) from None
        for name, line in faults:
            click.echo(f"{line} It is asked for anew.")
            env = env.changed(name, None)
        return _usable(env)


def _place(env: EnvFile, name: str) -> str:
    return f" It stands in line {env.line_of(name)} of .env." if name in env else ""
