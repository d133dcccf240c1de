"""A zip of files: packed while it is sent, and unpacked with nothing believed of what it says about itself."""

from __future__ import annotations

import struct
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO

from chatbot.errors import BadRequest, TooLong
from chatbot.history.portable import MOST_CHATS

MOST_BYTES = 32 * 1024 * 1024  # of all files unpacked
MOST_FILES = 2 * MOST_CHATS + 100
CHUNK_BYTES = 65_536
ENTRY = b"PK\1\2"  # begins each entry of a zip's directory
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, OverflowError)


class _Outbox(bytearray):
    """What a ZipFile writes to: it cannot seek, so what was taken is never needed again."""

    def write(self, data: bytes) -> int:
        self += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self)
        self.clear()
        return taken


def pack(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """A zip of these files, by name and content, in pieces."""
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
        for name, content in files:
            with archive.open(name, "w") as entry:
                for piece in content:
                    entry.write(piece)
                    time.sleep(0)  # the other streams of this worker go on
                    if len(outbox) > CHUNK_BYTES:
                        yield outbox.take()
    yield outbox.take()


def unpack(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The JSON files of a zip with their names as people read them; a body that is no zip is one such file.

    Raises BadRequest for a damaged one, TooLong for one over a bound. Names are told and never used as paths.
    """
    if not body.startswith(b"PK"):
        yield "The file", body
        return
    if body.count(ENTRY) > MOST_FILES:  # before zipfile makes an object of each
        raise TooLong(f"The zip has more than {MOST_FILES} files.")
    left = MOST_BYTES
    for entry, archive in _entries(body):
        name = "".join(sign for sign in entry.filename[-100:] if sign.isprintable())
        data = _read(archive, entry, name, left)
        left -= len(data)
        yield f"The file {name}", data


def _entries(body: bytes) -> Iterator[tuple[zipfile.ZipInfo, zipfile.ZipFile]]:
    try:
        archive = zipfile.ZipFile(BytesIO(body))
    except BROKEN:
        raise BadRequest("The zip is damaged.") from None
    for entry in archive.infolist():
        base = entry.filename.rpartition("/")[2]
        if base.lower().endswith(".json") and not base.startswith("._"):  # as macOS puts beside each file
            yield entry, archive


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, most: int) -> bytes:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadRequest(f"The file {name} is compressed in a way that is not read here.")
    data = bytearray()
    try:
        with archive.open(entry) as content:
            while chunk := content.read(CHUNK_BYTES):
                data += chunk
                if len(data) > most:
                    raise TooLong(f"The files in the zip are larger than {MOST_BYTES >> 20} MB.")
                time.sleep(0)
    except BROKEN:
        raise BadRequest(f"The file {name} is damaged or encrypted.") from None
    return bytes(data)
