"""The watch: knows every key of this process and finds one, or a piece of one, in what is about to leave it."""

from __future__ import annotations

import base64
import threading
from collections import deque
from collections.abc import Iterator
from urllib.parse import quote

from chatbot.key.shapes import KINDS, MARK, UNSEEN

MOST_LASTING = 32  # keys: those in use are added again from time to time, those that were replaced go at last
MOST_PASSING = 4  # tokens of a workload identity, which live for minutes
RUN = 12  # characters of a key, in a row, that are a find; a shorter value is no secret: some servers take any word
GRAM = 6  # each sixth place of a text is looked at, so that no run of RUN is missed

Span = tuple[int, int]
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Watch:
    """Values that must not leave, each in every form in which it could: whole or cut, reversed, in base64, hex, a URL.

    Threads may share it. What it holds is never shown.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lasting: deque[str] = deque(maxlen=MOST_LASTING)
        self._passing: deque[str] = deque(maxlen=MOST_PASSING)
        self._grams: dict[str, list[tuple[str, int]]] = {}  # where each piece stands in which form

    def add(self, value: str, *, passing: bool = False) -> None:
        """From now on, watch for this value too, until enough newer ones have come."""
        values = self._passing if passing else self._lasting
        with self._lock:
            if value in values:
                values.remove(value)
                values.append(value)
                return
            forgets = len(values) == values.maxlen
            values.append(value)
            grams = {} if forgets else self._grams
            for each in (*self._lasting, *self._passing) if forgets else (value,):
                for form in _forms(each):
                    for start in range(len(form) - GRAM + 1):
                        grams.setdefault(form[start : start + GRAM], []).append((form, start))
            self._grams = grams

    def find(self, text: str) -> list[Span]:
        """Where pieces of a watched value stand in the text, in either case: (start, end), in order."""
        lower = text.lower()
        text = lower if len(lower) == len(text) else text.translate(_LOWER)  # some letters are two in lower case
        spans: list[Span] = []
        grams, end = self._grams, 0
        if grams:
            for at in range(0, len(text) - GRAM + 1, GRAM):
                if at >= end and (known := grams.get(text[at : at + GRAM])):
                    span = max((_run(text, at, form, start) for form, start in known), key=lambda it: it[1] - it[0])
                    if span[1] - span[0] >= RUN:
                        spans.append(span)
                        end = span[1]
        return sorted(spans)

    def finds(self, text: str) -> bool:
        return bool(self.find(text))


class Listener:
    """Watches one stream of text in pieces: a value that is split over them is found when RUN of it have come.

    What a reader does not see, such as zero-width characters, hides nothing.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._tail = ""

    def hears(self, piece: str) -> bool:
        """Does this piece, with those before it, hold a part of a key?"""
        text = self._tail + UNSEEN.sub("", piece)
        self._tail = text[1 - RUN :]
        return bool(piece) and self._watch.finds(text)


def _forms(value: str) -> Iterator[str]:
    """The value as it could show up, in lower case, without the beginning and the mark that all of its kind share.

    Of a JSON web token the signature alone: a visitor can know the rest, which opens nothing without it.
    """
    if value.startswith("eyJ"):
        value = value.rpartition(".")[2]
    start = next((len(start) for start in KINDS if value.startswith(start)), 0)
    for secret in value[start:].split(MARK):
        if len(secret) < RUN:
            continue
        raw = secret.encode()
        forms = {secret, secret[::-1], quote(secret, safe=""), raw.hex()}
        for shift in range(3):  # where it begins within base64's groups of three bytes
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                forms.add(encode(b"\0" * shift + raw)[4 if shift else 0 : -4].decode())
        yield from (form.lower() for form in forms)


def _run(text: str, at: int, form: str, start: int) -> Span:
    """How far text and form agree around these places."""
    first, last = at, at + GRAM
    while first and start and text[first - 1] == form[start - 1]:
        first, start = first - 1, start - 1
    place = start + last - first
    while last < len(text) and place < len(form) and text[last] == form[place]:
        last, place = last + 1, place + 1
    return first, last


watch = Watch()  # one for the process, as its log is
