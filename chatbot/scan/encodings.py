"""Text that hides a key from a search of bytes: UTF-16, as PowerShell writes it, and base64, as Kubernetes keeps it."""

from __future__ import annotations

import codecs
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator

# Longer marks first: those of UTF-32 begin with those of UTF-16.
_BOMS = [
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
# Also of the other byte order, whose first NUL and last letter stand outside.
_WIDE = re.compile(rb"(?:[\t\n\r -~]\0){16,}+[\t\n\r -~]?")
# A run of base64; lines of 64 or 76 characters are joined, as `base64` and PEM break them.
# Whole lines end a match in any case: it must not be tried again from each of them.
_RUN = re.compile(
    rb"(?:(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})\r?\n[ \t]*+)++[A-Za-z0-9+/_-]*+"
    rb"|[A-Za-z0-9+/_-]{16,}+"
)
_STANDARD = bytes.maketrans(b"-_", b"+/")
_WHITE = b" \t\r\n"
Needle = tuple[bytes, int]  # a mark in base64, and where in a group of four it begins
Run = tuple[int, int, bytes]  # where it begins and ends in the data, and what it says


def pieces(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    """What `read` returns, in pieces of about `size` bytes; in UTF-8 when it begins with a mark of UTF-16 or UTF-32."""
    piece = read(size)
    name = next((name for mark, name in _BOMS if piece.startswith(mark)), None)
    decoder = codecs.getincrementaldecoder(name)("replace") if name else None
    while piece:
        yield decoder.decode(piece).encode("utf-8", "replace") if decoder else piece
        piece = read(size)


def wide_runs(data: bytes) -> Iterator[Run]:
    """Runs of ASCII in UTF-16 without a mark, in either byte order."""
    if b"\0" in data:
        for run in _WIDE.finditer(data):
            yield run.start(), run.end(), run[0][::2]


def base64_runs(data: bytes, needles: list[Needle]) -> Iterator[Run]:
    """What runs of base64 say in which one of the needles stands."""
    squeezed = data.translate(None, _WHITE)
    if not any(needle in squeezed for needle, _ in needles):
        return
    for run in _RUN.finditer(data):
        text = run[0].translate(None, _WHITE)
        phases = {(at - start) % 4 for needle, start in needles if (at := text.find(needle)) >= 0}
        for phase in sorted(phases):
            yield run.start(), run.end(), _decode(text[phase:])


def encoded(mark: bytes) -> Iterator[Needle]:
    """What of the mark's base64 does not depend on its surroundings, at each offset, and where in a group it begins."""
    for shift in range(3):
        start, end = (0, 2, 3)[shift], (shift + len(mark)) * 8 // 6
        yield b64encode(bytes(shift) + mark + bytes(3))[start:end], start


def _decode(text: bytes) -> bytes:
    text = text.translate(_STANDARD)
    if len(text) % 4 == 1:  # one character alone says nothing
        text = text[:-1]
    return b64decode(text + b"=" * (-len(text) % 4))
