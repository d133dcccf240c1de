"""One thing to scan, a file or an object of a repository, and the source that it comes from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.scan.finds import Find, finds_in, printable


@dataclass(frozen=True, slots=True)
class Item:
    """A name to show and the path from the checkout's top, in bytes because names need not be text, and a reader.

    An object of a repository also has its kind, as git says it, and its id.
    """

    name: bytes
    path: bytes
    read: Callable[[int], bytes]
    kind: str = "blob"
    object_id: str = ""

    def finds(self) -> Iterator[Find]:
        """The finds in the name, which is line 0, and in the content; a message's first line is 1, its header's 0."""
        for find in finds_in(io.BytesIO(self.name).read):
            yield Find(0, find.kind, find.fingerprint)
        header = 0
        read = self.read
        if self.kind in ("commit", "tag"):
            text = read(-1)
            header = text[: text.find(b"\n\n") + 2].count(b"\n")
            read = io.BytesIO(text).read
        for find in finds_in(read):
            yield Find(max(0, find.line - header), find.kind, find.fingerprint)


@dataclass(frozen=True, slots=True)
class Hit:
    """A find and its place: path and line, and in the history a commit and how many versions of the file hold it."""

    name: bytes
    path: bytes
    find: Find
    commit: str = ""
    versions: int = 1

    def __str__(self) -> str:
        before = f"{self.commit[:12]} " if self.commit else ""
        after = f", in {self.versions} versions" if self.versions > 1 else ""
        return f"{before}{printable(self.name)}:{self.find.line}: {self.find.kind} ({self.find.fingerprint}){after}"


@dataclass(slots=True)
class Source:
    """What a scan goes through: what an item is called, the checkout's top, and what a reader must know is left out."""

    noun: str
    root: Path | None
    items: Iterable[Item] = ()
    length: int | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, what: str) -> None:
        """Count one thing that could not be scanned, to be told with the result."""
        self.left_out[what] = self.left_out.get(what, 0) + 1
