"""The steps of a streamed answer, and how an event becomes bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.fake_openai_parts.directives import Plan


@dataclass(frozen=True)
class Event:
    """One SSE event; `text` or `thought` is what it delivers, `tokens` what was made for it."""

    data: dict[str, Any] | str
    name: str = ""
    text: str = ""
    thought: str = ""
    tokens: int = 0


@dataclass(frozen=True)
class Raw:
    """Bytes that are no event."""

    data: bytes


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Hold:
    """Silence until the test lets the call go on."""


@dataclass(frozen=True)
class Stop:
    """The answer breaks off here: `reset` (RST), `fin` (FIN inside the body) or `end` (a clean end of the body)."""

    how: str


@dataclass(frozen=True)
class Outcome:
    """What the call has come to, unless the client leaves before."""

    name: str


Step = Event | Raw | Pause | Hold | Stop | Outcome


class Encoder:
    """Writes events as SSE in the style that a plan asks for."""

    def __init__(self, plan: Plan) -> None:
        self._line_end = b"\r\n" if "crlf" in plan else b"\r" if "cr" in plan else b"\n"
        self._field = "data:" if "no-space" in plan else "data: "
        self._indent = 2 if "multiline" in plan else None
        self._ascii = not ("raw-utf8" in plan or "split-utf8" in plan)
        self._comments = "comments" in plan

    def encode(self, event: Event) -> bytes:
        lines = [": a comment", ""] if self._comments else []
        if event.name:
            lines.append(f"event: {event.name}" if self._field.endswith(" ") else f"event:{event.name}")
        lines += [self._field + line for line in self._data(event).split("\n")]
        return b"".join(line.encode() + self._line_end for line in [*lines, ""])

    def _data(self, event: Event) -> str:
        if isinstance(event.data, str):
            return event.data
        separators = (",", ":") if self._indent is None else None
        return json.dumps(event.data, ensure_ascii=self._ascii, indent=self._indent, separators=separators)


def split_inside_characters(data: bytes) -> list[bytes]:
    """`data` in parts, each cut after the first byte of a character of several bytes."""
    parts, start = [], 0
    for position, byte in enumerate(data):
        if byte >= 0xC0:
            parts.append(data[start : position + 1])
            start = position + 1
    return [*parts, data[start:]]
