"""A canary key as it could show up, and everything that a server has written."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote


def traces(key: str) -> Iterator[bytes]:
    """The key whole, in halves, in base64 at each alignment, percent-encoded, in hex, reversed."""
    raw = key.encode()
    half = len(raw) // 2
    yield from (raw, raw[:half], raw[half:], raw[::-1], raw.hex().encode(), quote(key, safe="").encode())
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        yield encoded[4 if shift else 0 : -4]
    yield base64.urlsafe_b64encode(raw)[:-4]


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file that was written: logs, the database with its journal, the secret."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
