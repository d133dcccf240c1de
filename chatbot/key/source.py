"""Where keys come from: variables, files that are read again when they change, and the platform's identity."""

from __future__ import annotations

import logging
import math
import threading
import time
from pathlib import Path

from pydantic import SecretStr

from chatbot.config import OPENAI_HOSTS, Settings, read_file
from chatbot.errors import SettingsError
from chatbot.fields import OPENAI_URL
from chatbot.key.credential import Credential, Identity, Key
from chatbot.signing import Signer

SETTLED_S = 0.1  # a file that changed a moment ago may be half written
LONGEST_WAIT_S = 0.5

log = logging.getLogger("chatbot.key")


class Source:
    """A credential that stays what it was when the settings were read. `path`: the file behind it, if there is one."""

    path: Path | None = None
    since = -math.inf  # when another one was put in its place (monotonic): what OpenAI said of this one before is old

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def credential(self, *, at_once: bool = False) -> Credential:
        """What to authenticate with now. `at_once`: the last one was refused, so look for another without delay."""
        return self._credential


class FileSource(Source):
    """A key in a file. A new key serves the next call; a file that is damaged or gone leaves the last one in place.

    Followed through symbolic links, because mounted secrets are swapped by one.
    """

    def __init__(self, name: str, path: Path, settings: Settings, signer: Signer) -> None:
        self.path = path
        self._name, self._settings, self._signer = name, settings, signer
        self._lock = threading.Lock()
        self._said = ""
        self._read_at = self._settled_mark()
        super().__init__(self._read())

    def credential(self, *, at_once: bool = False) -> Credential:
        if at_once or self._mark() != self._read_at:
            with self._lock:
                mark = self._settled_mark()
                if at_once or mark != self._read_at:
                    self._read_at = mark
                    self._take()
        return self._credential

    def _take(self) -> None:
        said = ""
        try:
            key = self._read()
            if key != self._credential:
                old, self._credential, self.since = self._credential.fingerprint, key, time.monotonic()
                log.warning("%s was changed: key %s takes over from %s", self._name, key.fingerprint, old)
        except SettingsError as refused:
            said = str(refused)
            if said != self._said:
                log.error("the last key stays in use: %s", said)
        self._said = said

    def _read(self) -> Key:
        assert self.path is not None  # noqa: S101
        key = Key(read_file(self._name, self.path), self._name, self._signer)
        check_host(key, self._settings)
        return key

    def _mark(self) -> tuple[int, ...]:
        """What tells one state of the file from another, without reading it."""
        try:
            told = Path(self.path or "").stat()
        except OSError:
            return ()
        return told.st_mtime_ns, told.st_ctime_ns, told.st_ino, told.st_size

    def _settled_mark(self) -> tuple[int, ...]:
        """The mark once nobody has written for SETTLED_S; those who change it all the time are not waited for."""
        deadline = time.monotonic() + LONGEST_WAIT_S
        while (mark := self._mark()) and time.monotonic() < deadline:
            age_s = time.time() - mark[0] / 1e9
            if not 0 <= age_s < SETTLED_S:
                break
            time.sleep(SETTLED_S - age_s)
        return mark


def load_sources(settings: Settings, signer: Signer) -> list[Source]:
    """The key, then what stands by for it; nothing in tutor mode. Raises SettingsError, never quoting a value.

    A file comes before a variable. A workload identity is first where no key is set, and stands by last otherwise.
    """
    key = _stored("OPENAI_API_KEY", settings.openai_api_key, settings.openai_api_key_file, settings, signer)
    name, value, path = "OPENAI_API_KEY_STANDBY", settings.openai_api_key_standby, settings.openai_api_key_standby_file
    standby = _stored(name, value, path, settings, signer)
    identity = _identity(settings, signer)
    found = (key, standby, identity) if key else (identity, standby)
    return [source for source in found if source is not None]


def _stored(name: str, value: SecretStr | None, path: Path | None, settings: Settings, signer: Signer) -> Source | None:
    key = None if value is None else Key(value.get_secret_value().strip(), name, signer)  # watched, though a file wins
    if path:
        return FileSource(f"{name}_FILE", path, settings, signer)
    if key is None:
        return None
    check_host(key, settings)
    return Source(key)


def _identity(settings: Settings, signer: Signer) -> Source | None:
    provider, account = settings.openai_identity_provider_id, settings.openai_service_account_id
    path = settings.openai_identity_token_file
    if not (path and provider and account):
        return None
    fingerprint = signer.digest("key", f"{provider} {account}")[:8]
    read_file("OPENAI_IDENTITY_TOKEN_FILE", path)
    identity = Identity(provider, account, path, fingerprint)
    check_host(identity, settings)
    return Source(identity)


def check_host(credential: Credential, settings: Settings) -> None:
    """An OpenAI key goes to OpenAI over TLS, or to a host that the operator has named. Raises SettingsError."""
    if not credential.is_openais():
        return
    host = settings.upstream_host
    host_and_port = settings.openai_base_url.split("://")[1].split("/")[0].lower()
    trusted = {name.lower() for name in settings.openai_trusted_hosts}
    if host in OPENAI_HOSTS and not settings.openai_base_url.startswith("https://"):
        why = f"OPENAI_BASE_URL would send the key in the clear. Example: OPENAI_BASE_URL={OPENAI_URL}"
        raise SettingsError([why])
    if host not in OPENAI_HOSTS and not trusted & {host, host_and_port}:
        why = f"OPENAI_BASE_URL would send an OpenAI key to {host}. If that is meant: OPENAI_TRUSTED_HOSTS={host}"
        raise SettingsError([why])


def is_open_to_others(path: Path | None) -> bool:
    """May users outside the file's group read or change it? False where there is none."""
    try:
        return path is not None and bool(path.stat().st_mode & 0o007)
    except OSError:
        return False
