"""Text that hides a key from a search of bytes: UTF-16, as PowerShell writes it, base64, as Kubernetes keeps it, hex,
and the escapes of URLs, HTML, strings of code and mails.
"""

from __future__ import annotations

import codecs
import re
import string
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator

# Longer marks first: those of UTF-32 begin with those of UTF-16.
_BOMS = {
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
# Also of the other byte order, whose first NUL and last letter stand outside.
_WIDE = re.compile(rb"(?:[\t\n\r -~]\0){16,}+[\t\n\r -~]?")
# A run of base64; lines of 64 or 76 characters are joined, as `base64` and PEM break them.
# Whole lines end a match in any case: it must not be tried again from each of them.
_BASE64 = re.compile(
    rb"(?:(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})\r?\n[ \t]*+)++[A-Za-z0-9+/_-]*+"
    rb"|[A-Za-z0-9+/_-]{16,}+"
)
_HEX = re.compile(rb"[\da-f]{16,}+(?:\r?\n[ \t]*+[\da-f]{2,}+)*+")
# What a key is made of, written as %2d, \x2d, \u002d, &#x2d; or &#45;, and the line break that a mail puts in.
_ESCAPE = (
    rb"(?:(?:%|\\{1,4}x|&#[xX]0{0,4}|(?:%|\\{1,4})u(?:00|\{))(?P<hex>2[Dd]|3\d|[46][1-9A-Fa-f]|5[\dAaFf]|7[\dAa])[;}]?"
    rb"|&#0{0,4}(?P<decimal>45|4[89]|5[0-7]|6[5-9]|[78]\d|9[057-9]|1[01]\d|12[0-2]);|=\r?\n)"
)
_SIGNS = re.compile(rb"[%&\\=]")  # which escapes begin with: quicker to find
_ESCAPES = re.compile(_ESCAPE)
_ESCAPED = re.compile(rb"(?:[\w-]++|" + _ESCAPE + rb")++")
_WORD = b"-_" + string.ascii_letters.encode() + string.digits.encode()
_STANDARD = bytes.maketrans(b"-_", b"+/")
_WHITE = b" \t\r\n"
_MOST_BEFORE = 1000  # of a key that may stand before its first escape
Needle = tuple[bytes, int]  # a mark as it is written, and where in a group of characters it begins
Run = tuple[int, int, bytes]  # where it begins and ends in the data, and what it says


def pieces(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    """What `read` returns, in pieces of about `size` bytes; in UTF-8 when it begins with a mark of UTF-16 or UTF-32."""
    piece = read(size)
    name = next((name for name, marks in _BOMS.items() if piece.startswith(marks)), None)
    decoder = codecs.getincrementaldecoder(name)("replace") if name else None
    while piece:
        yield decoder.decode(piece).encode("utf-8", "replace") if decoder else piece
        piece = read(size)


def wide_runs(data: bytes) -> Iterator[Run]:
    """Runs of ASCII in UTF-16 without a mark, in either byte order."""
    if b"\0" in data:
        for run in _WIDE.finditer(data):
            yield run.start(), run.end(), run[0][::2]


def coded_runs(data: bytes, marks: list[bytes]) -> Iterator[Run]:
    """What runs of base64 and of hexadecimal digits say in which one of the marks stands."""
    yield from _runs(data, _BASE64, 4, [needle for mark in marks for needle in _in_base64(mark)], _from_base64)
    yield from _runs(data.lower(), _HEX, 2, [(mark.hex().encode(), 0) for mark in marks], _from_hex)


def escaped_runs(data: bytes) -> Iterator[Run]:
    """Runs of a key's characters some of which are escaped, as they were meant."""
    last = 0
    for sign in _SIGNS.finditer(data):
        at = sign.start()
        if at >= last and (run := _ESCAPED.match(data, at)):
            before = data[max(last, at - _MOST_BEFORE) : at]
            start, last = at - len(before) + len(before.rstrip(_WORD)), run.end()
            yield start, last, _ESCAPES.sub(_meant, data[start:last])


def _runs(
    data: bytes, form: re.Pattern[bytes], group: int, needles: list[Needle], decode: Callable[[bytes], bytes]
) -> Iterator[Run]:
    squeezed = data.translate(None, _WHITE)
    if not any(needle in squeezed for needle, _ in needles):
        return
    for run in form.finditer(data):
        text = run[0].translate(None, _WHITE)
        phases = {(at - start) % group for needle, start in needles if (at := text.find(needle)) >= 0}
        for phase in sorted(phases):
            yield run.start(), run.end(), decode(text[phase:])


def _in_base64(mark: bytes) -> Iterator[Needle]:
    """What of the mark's base64 does not depend on its surroundings, at each offset, and where in a group it begins."""
    for shift in range(3):
        start, end = (0, 2, 3)[shift], (shift + len(mark)) * 8 // 6
        yield b64encode(bytes(shift) + mark + bytes(3))[start:end], start


def _from_hex(text: bytes) -> bytes:
    return bytes.fromhex(text[: len(text) // 2 * 2].decode())


def _meant(escape: re.Match[bytes]) -> bytes:
    if number := escape["decimal"]:
        return bytes([int(number)])
    return bytes.fromhex((escape["hex"] or b"").decode())


def _from_base64(text: bytes) -> bytes:
    text = text.translate(_STANDARD)
    if len(text) % 4 == 1:  # one character alone says nothing
        text = text[:-1]
    return b64decode(text + b"=" * (-len(text) % 4))
