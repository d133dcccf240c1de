"""Where the key comes from, whether it is well formed, and which host may get it."""

from __future__ import annotations

import re

from chatbot.config import OPENAI_HOSTS, Settings, read_file
from chatbot.errors import SettingsError
from chatbot.signing import Signer

OPENAI_KEY = re.compile(r"sk-[A-Za-z0-9_-]*T3BlbkFJ|sk-(?:proj|svcacct|service|admin)-")


class Key:
    """An API key that cannot be printed by accident: shown only as its fingerprint."""

    __slots__ = ("_value", "fingerprint")

    def __init__(self, value: str, signer: Signer) -> None:
        self._value = value
        self.fingerprint = signer.digest("key", value)[:8]

    def reveal(self) -> str:
        """The key itself, for the Authorization header and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is not copied or pickled")


def load_key(settings: Settings, signer: Signer) -> Key | None:
    """The configured key, or None for tutor mode. Raises SettingsError, never quoting the value."""
    if settings.openai_api_key_file:
        name = "OPENAI_API_KEY_FILE"
        value = read_file(name, settings.openai_api_key_file)
    elif settings.openai_api_key:
        name, value = "OPENAI_API_KEY", settings.openai_api_key.get_secret_value().strip()
    else:
        return None
    _check_form(name, value)
    _check_host(value, settings)
    return Key(value, signer)


def _check_form(name: str, value: str) -> None:
    if not value:
        raise SettingsError([f"{name} is empty. Put the key there, or remove the variable to run the tutor."])
    if not all("!" <= char <= "~" for char in value) or any(char in value for char in "\"'`"):
        raise SettingsError([f"{name} holds a space, a quote or a character that no key has. Paste the bare key."])
    if value.startswith("sk-admin-"):
        raise SettingsError([f"{name} is an admin key. Those manage an organization: use a project key here."])


def _check_host(value: str, settings: Settings) -> None:
    """An OpenAI key goes to OpenAI over TLS, or to a host that the operator has named."""
    host = settings.upstream_host
    port_too = settings.openai_base_url.split("://")[1].split("/")[0].lower()
    trusted = {name.lower() for name in settings.openai_trusted_hosts}
    if host in trusted or port_too in trusted or not OPENAI_KEY.match(value):
        return
    if host not in OPENAI_HOSTS or not settings.openai_base_url.startswith("https://"):
        raise SettingsError(
            [f"OPENAI_BASE_URL would send an OpenAI key to {host}. If that is meant: OPENAI_TRUSTED_HOSTS={host}"]
        )
