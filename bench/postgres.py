"""A PostgreSQL of the bench's own, where one is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_S = 30.0


@contextlib.contextmanager
def postgres(port: int) -> Iterator[str | None]:
    """The address of an empty database; None where there is no PostgreSQL. As root it runs as its package's user."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    if not found[-1].exists():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as folder:
        user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        if user:
            shutil.chown(folder, "postgres", "postgres")
        made = ["-D", f"{folder}/data", "-U", "chat", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([found[-1], *made], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        served = ["-D", f"{folder}/data", "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
        process = subprocess.Popen(
            [found[-1].with_name("postgres"), *served], stderr=subprocess.DEVNULL, cwd=folder, **user
        )
        try:
            _wait_until_open(port)
            yield f"postgresql://chat@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _wait_until_open(port: int) -> None:
    """Raises RuntimeError when it does not start."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            time.sleep(1)  # it answers before it has started up
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL did not start")
