"""Cutting a call from outside: a stop closes its connection, whatever its thread is waiting for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar


class Cut:
    """A switch that closes the connection of one call, from whichever thread pulls it."""

    def __init__(self) -> None:
        self.pulled = False
        self._socket: socket.socket | None = None

    def watch(self, connected: socket.socket | None) -> None:
        self._socket = connected
        if self.pulled:
            self.pull()

    def hurry(self, seconds: float) -> None:
        """From now on no read waits longer than this."""
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def release(self) -> None:
        """The call is over: its socket may soon be another call's."""
        self._socket = None

    def pull(self) -> None:
        """Shut the call's socket: whoever waits for it wakes. Safe at any time, and more than once."""
        self.pulled = True
        if self._socket is not None:
            with suppress(OSError):  # the plain socket's shutdown, under TLS too: the reader still holds that
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


current_cut: ContextVar[Cut | None] = ContextVar("current_cut", default=None)


@contextmanager
def cutting(cut: Cut) -> Iterator[None]:
    """Inside, `cut` watches the connections that calls use. Where one fails it lets go of it: the pool has it back."""
    token = current_cut.set(cut)
    try:
        yield
    except BaseException:
        cut.release()
        raise
    finally:
        current_cut.reset(token)
