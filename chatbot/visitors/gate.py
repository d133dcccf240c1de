"""A gate: few of a process at a time do what would crowd out all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chatbot.errors import Busy

WAIT_S = 25  # below the 30 s after which platforms give a request up


class Gate:
    """Has so many places. Who waits for one in vain is told so, and to come back after `retry_s`."""

    def __init__(self, places: int, retry_s: float, told: str | None = None) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._retry_s = retry_s
        self._told = told

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Raises Busy when the wait is too long."""
        if not self._places.acquire(timeout=WAIT_S):
            raise Busy(self._told, cause="too many at once", retry_after=self._retry_s)
        try:
            yield
        finally:
            self._places.release()
