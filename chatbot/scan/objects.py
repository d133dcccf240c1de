"""Reads objects of a repository one after another, through one git process, in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from chatbot.scan.git import git_pipe
from chatbot.scan.item import Item, Source

_CHUNK_BYTES = 2**20
_FORM = "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)"


def objects(folder: Path, wanted: Iterable[bytes], source: Source) -> Iterator[Item]:
    """The objects whose lines, of an id and a name, are wanted: each is to be read before the next is taken.

    One that the repository lacks, as a partial clone does, is left out of the source.
    """
    with tempfile.TemporaryFile() as lines:  # a file, so that writing to git need not wait for reading from it
        lines.writelines(wanted)
        lines.seek(0)
        with git_pipe(folder, "cat-file", _FORM, "--buffer", stdin=lines) as output:
            while header := output.readline():
                object_id, kind, *rest = header[:-1].split(b" ", 3)
                if kind == b"missing":
                    source.leave_out("missing object")
                    continue
                content = _Content(output, int(rest[0]))
                yield Item(rest[1], rest[1], content.read, kind.decode(), object_id.decode())
                while content.read(_CHUNK_BYTES):  # what the scan has left
                    pass
                output.read(1)  # the line feed after an object


class _Content:
    """An object's part of git's output."""

    def __init__(self, output: IO[bytes], size: int) -> None:
        self._output, self._left = output, size

    def read(self, size: int) -> bytes:
        data = self._output.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
