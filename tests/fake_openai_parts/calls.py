"""What the fake remembers of each request: what came, what went, how it ended, and what it cost."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fake_openai_parts.models import nano_dollars


@dataclass
class Usage:
    """Tokens by kind; `cached` and `cache_write` are part of `input`, `reasoning` of `output`."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


@dataclass
class Call:
    """One request. Times are `time.time()`; `closed_at` is when the fake saw the client go away early."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    at: float = field(default_factory=time.time)
    body: Any = None
    api: str = ""
    model: str = ""
    key: str = ""
    request_id: str = ""
    directives: str = ""
    status: int | None = None
    first_byte_at: float | None = None
    ended_at: float | None = None
    closed_at: float | None = None
    outcome: str = ""
    """`completed`, `incomplete`, `failed`, `error` (a status), `fault` (a broken answer), `closed` (by the client)."""
    pieces: list[str] = field(default_factory=list)
    thoughts: str = ""
    usage: Usage = field(default_factory=Usage)
    billed: bool = False
    goes_on: int = 0
    """How many silences it need not keep."""

    @property
    def text(self) -> str:
        """The text sent so far."""
        return joined(self.pieces)

    @property
    def is_model_call(self) -> bool:
        return self.api in ("responses", "chat")

    def end(self, outcome: str) -> None:
        """Keeps the first outcome: a fault stays a fault when the client then goes away."""
        self.outcome = self.outcome or outcome
        self.ended_at = time.time()

    def as_dict(self) -> dict[str, Any]:
        fields = {name: value for name, value in asdict(self).items() if name not in ("raw", "pieces")}
        return {**fields, "text": self.text}


@dataclass(frozen=True)
class Line:
    """What one call cost."""

    number: int
    model: str
    outcome: str
    usage: Usage
    nano_dollars: int


@dataclass(frozen=True)
class Bill:
    """What OpenAI would charge for the calls so far, the cut and aborted ones included."""

    lines: list[Line]

    @property
    def nano_dollars(self) -> int:
        return sum(line.nano_dollars for line in self.lines)

    @property
    def dollars(self) -> float:
        return self.nano_dollars / 1_000_000_000

    def tokens(self, kind: str) -> int:
        """All tokens of a kind: `input`, `cached`, `cache_write`, `output` or `reasoning`."""
        return sum(getattr(line.usage, kind) for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        kinds = ("input", "cached", "cache_write", "output", "reasoning")
        return {
            "nano_dollars": self.nano_dollars,
            "tokens": {kind: self.tokens(kind) for kind in kinds},
            "lines": [asdict(line) for line in self.lines],
        }


def joined(pieces: list[str]) -> str:
    """The pieces as one text; two halves of a character become the character."""
    return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def bill(calls: list[Call]) -> Bill:
    """The bill for `calls`: a refused call costs nothing; once tokens may have been made, the input counts too."""
    return Bill(
        [
            Line(call.number, call.model, call.outcome, call.usage, nano_dollars(call.model, call.usage))
            for call in calls
            if call.billed
        ]
    )
