"""A terminal as an operator has it: a program runs in it, sees a real keyboard, and its interrupts are real signals."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

# The program leads a session of its own, and the terminal is its: hidden prompts and Ctrl-C need that.
TAKE = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """`shown` is all that was on the screen, `seen_in_ps` what `ps` would have told of the program and its children."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE, *arguments], cwd=folder, env=environment, stdin=theirs, stdout=theirs,
            stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown, self.seen_in_ps, self._heard = "", b"", 0

    def expect(self, text: str, seconds: float = 60) -> None:
        """Wait until this is shown, after what was waited for before."""
        deadline = time.monotonic() + seconds
        while (at := self.shown.find(text, self._heard)) < 0:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{self.shown}"
            assert self._hear(0.2), f"the program ended before {text!r}:\n{self.shown}"
        self._heard = at + len(text)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def answer(self, prompt: str, text: str = "") -> None:
        self.expect(prompt)
        self.type(text + "\n")

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._ours)
        self._process.wait(60)

    def end(self) -> int:
        """Hear the program to its end; its exit code."""
        while self._hear(60):
            pass
        os.close(self._ours)
        return self._process.wait(60)

    def _hear(self, seconds: float) -> bool:
        """Is there, or may there be, more?"""
        self._look()
        if not select.select([self._ours], [], [], seconds)[0]:
            return True
        with contextlib.suppress(OSError):  # which is how the end is told
            heard = os.read(self._ours, 65_536)
            self.shown += heard.decode()
            return bool(heard)
        return False

    def _look(self) -> None:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            for pid in (str(self._process.pid), *children):
                for name in ("cmdline", "environ"):
                    self.seen_in_ps += Path(f"/proc/{pid}/{name}").read_bytes()
