"""Where alerts go: the addresses of ALERT_URLS, which hold passwords and tokens, and how one is sent there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chatbot.alerts.courier import NOT_SENT, UNKNOWN
from chatbot.config import ROOT, Settings, child_environment
from chatbot.errors import SettingsError
from chatbot.signing import Signer

PATIENCE_S = 20
BETWEEN = re.compile(r"[,;]?\s+|[,;](?=[a-z0-9]+://)", re.IGNORECASE)
WITH_HOST = ("http", "https", "json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos")


@dataclass(frozen=True)
class Address:
    """`name` may be shown. `digest` names the address in the database; `title` stands over what is sent."""

    value: str = field(repr=False)
    name: str
    digest: str
    title: str


def load_addresses(settings: Settings, signer: Signer) -> list[Address]:
    """The addresses of ALERT_URLS, without repeats; between them stand commas or blanks."""
    told = settings.alert_urls.get_secret_value() if settings.alert_urls else ""
    values = dict.fromkeys(value for value in BETWEEN.split(told) if value)
    title = f"{settings.site_name}: alert"
    return [Address(value, _name(value), signer.digest("alert address", value)[:16], title) for value in values]


def check_addresses(addresses: Sequence[Address]) -> None:
    """Raises SettingsError where Apprise does not know an address. Sends nothing."""
    unknown = [number for number, code in enumerate(send(addresses, None), 1) if code == UNKNOWN]
    if unknown:
        which = ", ".join(map(str, unknown))
        why = f"is not valid: Apprise does not know its address number {which}, or lacks a library for it"
        raise SettingsError([f"ALERT_URLS {why}. Example: ALERT_URLS=mailto://user:password@example.org"])


def send(addresses: Sequence[Address], message: str | None) -> list[int]:
    """Send to all at once: SENT, NOT_SENT or UNKNOWN for each, within PATIENCE_S. None for a message: only look."""
    deadline = time.monotonic() + PATIENCE_S
    couriers = [_start(address, message) for address in addresses]
    return [_wait(courier, deadline) for courier in couriers]


def _start(address: Address, message: str | None) -> subprocess.Popen[bytes] | None:
    """The order goes by standard input: other users of the machine can read a command line."""
    command = [sys.executable, "-m", "chatbot.alerts.courier"]
    nowhere = subprocess.DEVNULL
    with suppress(OSError):
        courier = subprocess.Popen(  # noqa: S603 - our own program
            command, cwd=ROOT, env=child_environment(), stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere
        )
        with suppress(OSError), courier.stdin as order:  # type: ignore[union-attr]
            told = {"address": address.value, "title": address.title, "message": message, "patience_s": PATIENCE_S}
            order.write(json.dumps(told).encode())
        return courier
    return None


def _wait(courier: subprocess.Popen[bytes] | None, deadline: float) -> int:
    if courier is None:
        return NOT_SENT
    try:
        return courier.wait(max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        courier.kill()
        courier.wait()
        return NOT_SENT


def _name(value: str) -> str:
    """Its scheme, and its host where that is one: in most of Apprise's addresses a token stands in its place."""
    scheme, found, _ = value.lower().partition("://")
    with suppress(ValueError):
        if scheme in WITH_HOST and (host := urlsplit(value).hostname):
            return f"{scheme}://{host}"
    return scheme if found else "an address without ://"
