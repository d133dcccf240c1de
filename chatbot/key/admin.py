"""An admin key, which manages an organization: it serves one command, and never the server."""

from __future__ import annotations

from chatbot.config import LOOPBACK, Settings
from chatbot.errors import SettingsError
from chatbot.key.credential import Key
from chatbot.key.shapes import FOUND, kind_of
from chatbot.key.source import check_host
from chatbot.key.watch import watch

PAGE = "https://platform.openai.com/settings/organization/admin-keys"


class AdminKey(Key):
    """Guarded as other keys are. It has no fingerprint: nothing is kept of it."""

    __slots__ = ()

    def __init__(self, value: str, settings: Settings) -> None:
        """Raises SettingsError, never quoting the value, when this is none, or would go to a host that is not trusted
        or in the clear."""
        watch.add(value, passing=True)
        if not value.startswith("sk-admin-") or not FOUND.fullmatch(value):
            found = f"a {kind_of(value)}" if FOUND.fullmatch(value) else "something else"
            raise SettingsError(
                [f"That is not an admin key but {found}. An owner of the organization makes one: {PAGE}"]
            )
        self._value, self.source, self.kind, self.fingerprint = value, "admin key", kind_of(value), "admin"
        check_host(self, settings)
        if not settings.openai_base_url.startswith("https://") and settings.upstream_host not in LOOPBACK:
            raise SettingsError(["OPENAI_BASE_URL would send the admin key in the clear. It must be an https address."])
