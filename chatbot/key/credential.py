"""What authenticates a call: a key that cannot be printed by accident, or an identity that needs no key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import SettingsError
from chatbot.key.shapes import FOUND, kind_of
from chatbot.key.watch import watch
from chatbot.signing import Signer


class Key:
    """An API key, shown only as its fingerprint. `source` is the variable that it, or its file's name, came from."""

    __slots__ = ("_value", "fingerprint", "kind", "source")

    def __init__(self, value: str, source: str, signer: Signer) -> None:
        check_form(source, value)
        self._value = value
        self.source = source
        self.kind = kind_of(value)
        self.fingerprint = signer.digest("key", value)[:8]
        self.keep_watch()

    def keep_watch(self) -> None:
        """It is in use: the watch must not forget it for newer ones."""
        watch.add(self._value)

    def reveal(self) -> str:
        """The key itself, for the Authorization header and nothing else."""
        return self._value

    def is_openais(self) -> bool:
        return self.kind != "not an OpenAI key"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is not copied or pickled")


@dataclass(frozen=True)
class Identity:
    """A workload identity: the platform's token, in a file, is exchanged for a short-lived one of OpenAI's."""

    provider_id: str
    service_account_id: str
    token_file: Path
    fingerprint: str
    source: str = "OPENAI_IDENTITY_TOKEN_FILE"
    kind: str = "workload identity"

    def is_openais(self) -> bool:
        return True

    def keep_watch(self) -> None:
        """Its tokens are watched as they come."""


Credential = Key | Identity


def named(credential: Credential) -> str:
    """What logs, alerts and commands call it."""
    return f"key {credential.fingerprint} from {credential.source}"


in_use: ContextVar[Credential | None] = ContextVar("in_use", default=None)


@contextmanager
def using(credential: Credential | None) -> Iterator[None]:
    """Inside, calls are made with this credential; the transport puts a key on."""
    token = in_use.set(credential)
    try:
        yield
    finally:
        in_use.reset(token)


def check_form(name: str, value: str) -> None:
    """Raises SettingsError, never quoting the value, when this cannot be a key that belongs on a web server."""
    if not value:
        raise SettingsError([f"{name} is empty. Put the key there, or remove the variable to run the tutor."])
    if not all("!" <= char <= "~" for char in value) or any(char in value for char in "\"'`"):
        raise SettingsError([f"{name} holds a space, a quote or a character that no key has. Paste the bare key."])
    if (found := FOUND.search(value)) and found[0] != value:
        raise SettingsError([f"{name} holds more than a key. Paste the bare key, from sk- to its end."])
    if value.startswith("sk-admin-"):
        raise SettingsError([f"{name} is an admin key. Those manage an organization: use a project key here."])
