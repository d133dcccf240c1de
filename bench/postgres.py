"""A PostgreSQL of the bench's own, where one is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


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
        control = [found[-1].with_name("pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        try:
            yield f"postgresql://chat@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
