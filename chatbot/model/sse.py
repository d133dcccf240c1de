"""Bytes of a server-sent event stream, as they come, into the data of whole events.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html, for `data` fields only.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 4 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


class EventSplitter:
    """Feed it bytes cut anywhere; it gives back the data of each event that they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._ended_in_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Data of the events completed by these bytes. Raises ValueError for an event over MAX_EVENT_BYTES."""
        if self._ended_in_cr:
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._ended_in_cr, data = data.endswith(b"\r"), data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        elif data:
            self._ended_in_cr = False
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = []
        for line in lines:
            line = line.removeprefix(BOM)
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
                self._size += len(line)
            elif self._data and not line:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data, self._size = [], 0
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise ValueError("an event is too large")
        return events

    def finish(self) -> list[bytes]:
        """The event left over when a server ends its stream without the last blank line."""
        return self.feed(b"\n\n")
