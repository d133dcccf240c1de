"""What counts as a find: keys and secrets in bytes of any size, with line, kind and fingerprint, never the value."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatbot.key.shapes import FOUND, KINDS, kind_of
from chatbot.scan.assigned import assigned_secrets
from chatbot.scan.chance import is_mixed
from chatbot.scan.encodings import coded_runs, escaped_runs, pieces, wide_runs
from chatbot.scan.providers import provider_keys
from chatbot.scan.published import PUBLISHED

# A file is read in pieces of this size, which overlap, so that memory stays bounded and no find is cut in two.
PIECE_BYTES = 8 * 2**20
OVERLAP_BYTES = 8 * 2**10
_SLACK_BYTES = 64  # where in an encoding something stands is known to a few characters only

_KEY = re.compile(FOUND.pattern.encode())
_MARK = b"T3Blbk" + b"FJ"
_MARKS = [_MARK, *map(str.encode, KINDS)]
ASSIGNED = "secret"
Span = tuple[int, int, str, bytes]  # start, end, kind, value


@dataclass(frozen=True, slots=True)
class Find:
    """A secret's line (the first is 1), its kind for people, and the first 12 digits of its value's SHA-256."""

    line: int
    kind: str
    fingerprint: str


def finds_in(read: Callable[[int], bytes]) -> Iterator[Find]:
    """The finds in what `read(size)` returns until it returns nothing, in order; one value on one line is one find."""
    source = pieces(read, PIECE_BYTES)
    piece, line, start = next(source, b""), 1, 0
    seen: set[Find] = set()
    while piece:
        more = next(source, b"")
        # What begins in the second half of the overlap is the next piece's, which sees all of it and what is before it.
        end = max(start, len(piece) - OVERLAP_BYTES // 2) if more else len(piece)
        for find in _finds(piece, line, start - _SLACK_BYTES, end):
            if find not in seen and find.fingerprint not in PUBLISHED:
                seen.add(find)
                yield find
        cut = max(0, len(piece) - OVERLAP_BYTES)
        line += piece.count(b"\n", 0, cut)
        start = end - cut
        piece = piece[cut:] + more if more else b""


def fingerprint(value: bytes) -> str:
    """How the allow-list names a value: 12 hexadecimal digits that do not tell it."""
    return hashlib.sha256(value).hexdigest()[:12]


def printable(name: bytes) -> str:
    """A name without the secrets in it, and without what would steer a terminal."""
    for first, last, _, _ in reversed(_disjoint(list(_spans(name)))):
        name = name[:first] + b"[secret]" + name[last:]
    return "".join(sign if sign.isprintable() else "?" for sign in name.decode("utf-8", "replace"))


def _finds(data: bytes, line: int, start: int, end: int) -> Iterator[Find]:
    at = 0
    for first, _, kind, value in _disjoint(list(_spans(data))):
        if start <= first < end:
            line += data.count(b"\n", at, first)
            at = first
            yield Find(line, kind, fingerprint(value))


def _spans(data: bytes) -> Iterator[Span]:
    yield from _plain(data, assigned=b"\0" not in data[:8000])  # as git tells text from binary files
    for start, end, text in wide_runs(data):
        for first, last, kind, value in _plain(text, assigned=True):
            yield start + 2 * first, min(start + 2 * last, end), kind, value
    for start, end, text in (*coded_runs(data, _MARKS), *escaped_runs(data)):
        for first, last, kind, value in _keys(text):
            yield start + (end - start) * first // len(text), start + (end - start) * last // len(text), kind, value


def _plain(text: bytes, assigned: bool) -> Iterator[Span]:
    yield from _keys(text)
    for first, last, kind in provider_keys(text):
        yield first, last, kind, text[first:last]
    if assigned:
        for first, last in assigned_secrets(text):
            yield first, last, ASSIGNED, text[first:last]


def _keys(text: bytes) -> Iterator[Span]:
    for found in _KEY.finditer(text):
        value = found[0].decode()
        _, mark, after = value.rpartition(_MARK.decode())
        # With OpenAI's mark in it only a run of the same few characters is a placeholder.
        if len(set(after)) > 2 if mark else is_mixed(value.removeprefix("sk-")):
            yield *found.span(), f"OpenAI {kind_of(value)}", found[0]


def _disjoint(spans: list[Span]) -> list[Span]:
    """In order, without assigned values that a known shape lies in, and without parts of one: a secret is a find."""
    shaped = sorted(span for span in spans if span[2] != ASSIGNED)
    known = [
        span
        for at, span in enumerate(shaped)
        if not any(_is_part(span, other) for other in shaped[at - (at > 0) : at + 2])
    ]
    starts = [span[0] for span in known]
    kept = list(known)
    for span in spans:
        before = bisect_left(starts, span[1]) - 1
        if span[2] == ASSIGNED and (before < 0 or known[before][1] <= span[0]):
            kept.append(span)
    return sorted(kept)


def _is_part(span: Span, other: Span) -> bool:
    """Does it say less than one that it meets, or the same in more bytes?"""
    less = span[3] in other[3] if span[3] != other[3] else span[1] - span[0] > other[1] - other[0]
    return less and span[0] < other[1] and other[0] < span[1]
