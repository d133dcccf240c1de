"""The server's own secret and what is derived from it: signatures for cookies, keyed names for people and keys."""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from chatbot.config import Settings, folder_of_database, read_file
from chatbot.errors import SettingsError


class Signer:
    """Signs values, and names things by a keyed hash so that the name gives nothing away."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._serializer = URLSafeSerializer(secret, salt="turnkey-chat")

    def sign(self, value: str) -> str:
        return str(self._serializer.dumps(value))

    def unsign(self, signed: str) -> str | None:
        """The value that was signed, or None when the signature does not hold."""
        try:
            value = self._serializer.loads(signed)
        except BadSignature:
            return None
        return value if isinstance(value, str) else None

    def digest(self, purpose: str, value: str) -> str:
        """64 hex characters: HMAC-SHA256 of the value under a key for this purpose only."""
        return hmac.digest(self._secret, f"{purpose}\0{value}".encode(), "sha256").hex()


def load_signer(settings: Settings) -> Signer:
    """The signer of this deployment: SECRET_KEY, SECRET_KEY_FILE, or one made once beside the SQLite file (0600)."""
    if settings.secret_key:
        return Signer(settings.secret_key.get_secret_value())
    if settings.secret_key_file:
        return Signer(_long_enough(read_file("SECRET_KEY_FILE", settings.secret_key_file)))
    assert settings.sqlite_path is not None  # noqa: S101 - settings without it are refused
    with folder_of_database("written"):
        return Signer(_long_enough(_kept_secret(settings.sqlite_path.parent / "secret_key")))


def _long_enough(secret: str) -> str:
    if len(secret) < 8:
        raise SettingsError(["SECRET_KEY_FILE holds fewer than 8 characters. Example: 32 random ones in it."])
    return secret


def _kept_secret(path: Path) -> str:
    """Read the file; the first of several workers makes it, whole or not at all."""
    if not path.exists():
        handle, name = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it readable by its owner only
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with suppress(FileExistsError):
            os.link(name, path)
        os.unlink(name)
    return read_file("SECRET_KEY_FILE", path)
