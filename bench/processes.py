"""Starts what is measured on free loopback ports, pins it to cores, and ends exactly that."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_S = 30.0
STOP_S = 15.0
REST_S = 0.25
ROOMY = {
    "LIMIT_VISITOR": "1000000/minute;100000000/day",
    "LIMIT_NETWORK": "1000000/minute;100000000/day",
    "LIMIT_SITE": "100000000/day",
    "LIMIT_NEW_VISITORS": "100000000/hour",
    "LIMIT_TOKENS_VISITOR": "100000000/day",
    "MAX_CONCURRENT_REPLIES": "1000000",
    "BUDGET_SITE_DAY": "1000000",
    "BUDGET_SITE_MONTH": "1000000",
    "BUDGET_VISITOR_DAY": "1000000",
}
"""As many limits and budgets as by default, every one on, and none ever reached."""
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, OTHER_CORE = CORES[0], CORES[1 % len(CORES)]
"""The server under test has a core for itself; the mock upstream and the load generator share the other."""


@dataclass
class Server:
    """A process under gunicorn; `worker` is the process that does the work."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def worker(self) -> int:
        children = psutil.Process(self.process.pid).children()
        return children[0].pid if children else self.process.pid


@contextlib.contextmanager
def upstream() -> Iterator[Server]:
    """The mock upstream."""
    with _process("upstream", 0, [sys.executable, "-m", "bench.upstream"], {}, OTHER_CORE, pipe=True) as server:
        assert server.process.stdout is not None
        server.port = int(server.process.stdout.readline())
        yield server


@contextlib.contextmanager
def app(upstream_port: int, api: str = "responses", factory: str = "app:create_app()") -> Iterator[Server]:
    """The app as it is deployed, one worker; ready to be called for the first time."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        port = free_port()
        env = {"OPENAI_API": api, "WEB_CONCURRENCY": "1", "PORT": str(port), **_settings(folder, upstream_port)}
        command = [*_gunicorn(), "-c", "gunicorn.conf.py", factory]
        with _process("app", port, command, env, SERVER_CORE) as server:
            _wait_until_open(server)
            yield server


@contextlib.contextmanager
def naive(upstream_port: int) -> Iterator[Server]:
    """The baseline, under the same kind of worker."""
    port = free_port()
    worker = ["-k", "gevent", "-w", "1", "--worker-connections", "4000", "-t", "60", "-b", f"127.0.0.1:{port}"]
    command = [*_gunicorn(), *worker, "naive:app"]
    folder = ROOT / "bench"  # away from the app's gunicorn.conf.py, which gunicorn would find by itself
    with _process("naive", port, command, _openai(upstream_port), SERVER_CORE, folder=folder) as server:
        _wait_until_open(server)
        yield server


def run_load(**load: Any) -> dict[str, Any]:
    """Runs the load generator to its end. The fields are those of `bench.load.Load`."""
    return _run("load", [json.dumps(load)], {}, OTHER_CORE)


def run_steps(rounds: int) -> dict[str, Any]:
    """Runs `bench.steps`, as alone on its core as a server is."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return _run("steps", [str(rounds)], _settings(folder, 9), SERVER_CORE)


def run_shelves(chats: int, many: int, rounds: int, database_url: str | None = None) -> dict[str, Any]:
    """Runs `bench.shelves`, likewise; in a SQLite file unless told otherwise."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = _settings(folder, 9) | ({"DATABASE_URL": database_url} if database_url else {})
        return _run("shelves", [str(chats), str(many), str(rounds)], settings, SERVER_CORE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _run(module: str, arguments: list[str], env: dict[str, str], core: int) -> dict[str, Any]:
    """What a module of the bench prints, as JSON. Raises RuntimeError when it fails."""
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    with _process(module, 0, command, env, core, pipe=True) as server:
        assert server.process.stdout is not None
        told = server.process.stdout.read()
        if server.process.wait():
            raise RuntimeError(f"{module} failed:\n{server.log.read_text()[-2000:]}")
        result: dict[str, Any] = json.loads(told)
        return result


def _settings(folder: str, upstream_port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "SECRET_KEY": secrets.token_hex(32),
        **_openai(upstream_port),
        **ROOMY,
    }


def _gunicorn() -> list[str]:
    return [sys.executable, "-m", "gunicorn", "--no-control-socket"]


def _openai(port: int) -> dict[str, str]:
    key = "sk-" + "proj-" + secrets.token_hex(37) + "T3Blbk" + "FJ" + secrets.token_hex(37)
    return {
        "OPENAI_API_KEY": key,
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_TRUSTED_HOSTS": "127.0.0.1",
        "OPENAI_MODEL": "gpt-6-luna",
    }


@contextlib.contextmanager
def _process(
    name: str, port: int, command: list[str], env: dict[str, str], core: int, pipe: bool = False, folder: Path = ROOT
) -> Iterator[Server]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")}
    with tempfile.NamedTemporaryFile(prefix=f"bench-{name}-", suffix=".log") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, "PYTHONUNBUFFERED": "1", **env},
            stdout=subprocess.PIPE if pipe else log,
            stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            yield Server(name, port, process, Path(log.name))
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


def _wait_until_open(server: Server) -> None:
    """Waits until the worker listens and rests, without calling it. Raises RuntimeError when it does not start."""
    until = time.monotonic() + START_S
    rested, used = 0, -1.0
    while time.monotonic() < until and server.process.poll() is None:
        time.sleep(REST_S)
        with contextlib.suppress(OSError, psutil.Error), socket.create_connection(("127.0.0.1", server.port), 1):
            now = sum(psutil.Process(server.worker).cpu_times()[:2])
            rested = rested + 1 if now == used and server.worker != server.process.pid else 0
            used = now
        if rested == 3:
            return
    raise RuntimeError(f"{server.name} did not start:\n{server.log.read_text()[-2000:]}")
