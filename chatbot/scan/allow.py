"""The allow-list: finds that somebody has looked at, each with the reason why it may stay."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.scan.errors import CannotScan

FILE_NAME = "scan-allow.toml"
_FIELDS = {"fingerprint", "reason", "path"}


@dataclass(frozen=True)
class Allowed:
    """One entry: a value by its fingerprint, everywhere or at one path from the top of the checkout."""

    fingerprint: str
    path: str | None

    def covers(self, fingerprint: str, path: str) -> bool:
        return self.fingerprint == fingerprint and self.path in (None, path)


def read_allowed(top: Path | None) -> list[Allowed]:
    """The entries of the checkout's list, none if it has no list. Raises CannotScan for one that is not sound."""
    file = top / FILE_NAME if top else None
    if file is None or not file.exists():
        return []
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise CannotScan(f"{FILE_NAME} cannot be read: it must be a TOML file of [[allow]] tables.") from None
    entries = document.get("allow", [])
    if set(document) - {"allow"} or not isinstance(entries, list):
        raise CannotScan(f"{FILE_NAME} may hold [[allow]] tables and nothing else.")
    return [_entry(number, entry) for number, entry in enumerate(entries, 1)]


def _entry(number: int, entry: Any) -> Allowed:
    where = f"{FILE_NAME}, entry {number}"
    if not isinstance(entry, dict) or set(entry) - _FIELDS or not all(isinstance(each, str) for each in entry.values()):
        raise CannotScan(f"{where}: only fingerprint, reason and path may be set, each to a text.")
    if not re.fullmatch(r"[0-9a-f]{12}", entry.get("fingerprint", "")):
        raise CannotScan(f"{where}: fingerprint must be the 12 digits that the scan prints in brackets.")
    if not entry.get("reason", "").strip():
        raise CannotScan(f"{where}: a reason is required; say why this may stay.")
    return Allowed(entry["fingerprint"], entry.get("path"))
