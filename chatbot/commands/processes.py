"""Programs that a command starts: in a copy of the checkout, without what is the operator's, and ended with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import urllib3

from chatbot.config import ROOT, child_environment

START_S = 120  # a small machine may be busy
CLOSING = {"Connection": "close"}  # a server that is ended waits for connections that are kept
# Of the checkout and of the environment only what the app needs: nothing of the operator's is copied or obeyed.
# Rooms that were taken out are not there.
NEEDED = ("app.py", "gunicorn.conf.py", "chatbot", "templates", "static", "docs", "lab",
          "tests/__init__.py", "tests/fake_openai.py", "tests/fake_openai_parts")  # fmt: skip
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
# Kills a group once its own input has ended: that of a command which nobody could tell that it ends (kill -9).
WATCH = ["sh", "-c", 'cat; kill -s KILL -- "-$0"']
UNNEEDED = shutil.ignore_patterns(".*")  # compiled modules are taken along: four workers would each compile all


class Processes:
    """Each has a log in `folder` and is the head of a group of its own, so that its children end with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._http = urllib3.PoolManager(timeout=START_S, retries=False)
        self._running: list[subprocess.Popen[bytes]] = []
        self._watches: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, command: list[str], folder: Path, environment: dict[str, str], log: str) -> subprocess.Popen[bytes]:
        """Start `python command` in `folder`."""
        with (self._folder / log).open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                [sys.executable, *command],
                cwd=folder,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        self._watches[process.pid] = subprocess.Popen(  # noqa: S603
            [*WATCH, str(process.pid)], env=bare_environment(), stdin=subprocess.PIPE, start_new_session=True
        )
        return process

    def wait_for(self, url: str) -> None:
        """Wait until it answers 200. Raises TimeoutError when it does not, or when one of the processes has ended."""
        deadline = time.monotonic() + START_S
        while True:
            with suppress(urllib3.exceptions.HTTPError):
                if self._http.request("GET", url, headers=CLOSING).status == 200:
                    return
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._running):
                raise TimeoutError(f"{url} did not answer")
            time.sleep(0.05)

    def end(self, *some: subprocess.Popen[bytes]) -> None:
        """End all that was started, or these."""
        ending = [process for process in self._running if not some or process in some]
        self._running = [process for process in self._running if process not in ending]
        for process in reversed(ending):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in ending:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            with self._watches.pop(process.pid) as watch:
                watch.kill()


def copy_checkout(house: Path) -> Path:
    """A copy of what the app needs, without `.env` and data."""
    for path in (ROOT / name for name in NEEDED):
        there = house / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, there, ignore=UNNEEDED)
        elif path.exists():
            shutil.copyfile(path, there)
    return house


def bare_environment() -> dict[str, str]:
    """What a program needs to run here, and no setting of the app."""
    return {name: value for name, value in child_environment().items() if name in KEPT}


def free_port() -> int:
    """A port that is nobody else's while this process lasts: a socket that does not listen keeps it from others."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = int(kept.getsockname()[1])
        if sys.platform == "linux":  # elsewhere the server could not have it
            kept.detach()
    return port
