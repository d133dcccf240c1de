"""What the tests share: the fake OpenAI, the app in a server of its own, and a visitor's HTTP client."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import hypothesis
import pytest

from tests.fake_openai import FakeOpenAI
from tests.visitor import Visitor
from tests.warm import Warm

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI") == "true"
ENOUGH_OF_A_DAY_S = 120
ROOMY = {
    "LIMIT_VISITOR": "1000000/minute",
    "LIMIT_NETWORK": "1000000/minute",
    "LIMIT_SITE": "1000000/day",
    "LIMIT_NEW_VISITORS": "1000000/hour",
    "LIMIT_TOKENS_VISITOR": "1000000000/day",
    "MAX_CONCURRENT_REPLIES": "1000",
    "BUDGET_SITE_DAY": "1000",
    "BUDGET_SITE_MONTH": "1000",
    "BUDGET_VISITOR_DAY": "1000",
}


LONG = (
    "browser/test_fresh_clone.py", "services/test_taking_out.py", "lab/test_attacks.py", "browser/test_tour.py",
    "services/test_bill.py", "services/test_guards.py", "services/test_rotation.py", "lab/test_lab_commands.py",
    "services/test_limits.py", "services/test_survival.py", "browser/others/test_tour.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first, so that no worker is alone with one at the end."""
    first = {ROOT / "tests" / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


def pytest_configure() -> None:
    hypothesis.settings.load_profile("ci")  # everywhere: always the same examples, however long one takes
    if (ROOT / ".env").exists():
        pytest.exit("There is a .env, and the tests would spend its key. Move it away first: mv .env ~/my.env", 4)


@dataclass
class Served:
    """The app in a gunicorn of its own; `process` leads the group of its workers."""

    url: str
    process: subprocess.Popen[bytes] | Warm
    log_path: Path
    database: str

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """End it and its workers; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """End it at once, with its workers: nothing that is still under way needs to be waited for."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    """A port that the system gives to nobody else: it stays taken here, by a socket that whoever listens may pass."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port = int(kept.getsockname()[1])
    if sys.platform == "linux":  # others let nobody bind it as well
        kept.detach()  # open as long as this process
    else:
        kept.close()
    return port


def clean_environment(**variables: object) -> dict[str, str]:
    """This process's environment without any of the app's settings, and these."""
    from chatbot.config import Settings

    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return kept | {name: str(value) for name, value in variables.items()}


@pytest.fixture
def one_day() -> None:
    """For what counts by days: one that is about to end, in UTC, is waited for."""
    left_s = 86_400 - time.time() % 86_400
    if left_s < ENOUGH_OF_A_DAY_S:
        time.sleep(left_s)


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """A function that serves the app with these variables; the tutor answers unless they name a key."""
    with serving(tmp_path) as start:
        yield start


@contextmanager
def serving(folder: Path) -> Iterator[Callable[..., Served]]:
    """The function that the fixture `serve` gives, for fixtures that live longer; database and logs go to `folder`."""
    running: list[Served] = []

    def start(*, wait: bool = True, checkout: Path = ROOT, cold: bool = False, **variables: object) -> Served:
        port = variables.pop("PORT", None) or free_port()
        database = str(variables.pop("DATABASE_URL", f"sqlite:///{folder}/chat.db"))
        environment = clean_environment(**{**ROOMY, "DATABASE_URL": database, "PORT": port, **variables})
        log_path = folder / f"server-{port}.log"
        with log_path.open("wb") as log:
            process = gunicorn(checkout, environment, log, cold=cold or "PYTHONPATH" in variables)
        served = Served(f"http://127.0.0.1:{port}", process, log_path, database)
        running.append(served)
        if wait:
            wait_until_ready(served)
        return served

    try:
        yield start
    finally:
        for served in running:
            served.kill()


def gunicorn(
    checkout: Path, environment: dict[str, str], log: IO[bytes], *, cold: bool
) -> subprocess.Popen[bytes] | Warm:
    """`cold`: begun as an operator does, where the start itself matters, or what `ps` tells of the process."""
    if cold:
        return subprocess.Popen(
            [sys.executable, "-m", "gunicorn"],
            cwd=checkout, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    with open(os.devnull, "rb") as nothing:
        return Warm("gunicorn", (), environment, checkout, nothing, log, log)


def wait_until_ready(served: Served, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if served.process.poll() is not None:
            raise AssertionError(f"the server ended with {served.process.returncode}:\n{served.log}")
        try:
            if Visitor(served.url).get("/readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready after {seconds} s:\n{served.log}")


def wait_for(condition: Callable[[], object], seconds: float = 60, what: str = "") -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.02)


def needed(found: str | None, what: str) -> str:
    """A program that a test needs: missing it fails CI, and skips the test elsewhere."""
    if found is None:
        if IN_CI:
            pytest.fail(f"{what} is missing; tests/set_up.sh installs it")
        pytest.skip(f"{what} is missing; tests/set_up.sh installs it")
    return found


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis (or Valkey) of our own."""
    program = needed(shutil.which("redis-server") or shutil.which("valkey-server"), "Redis")
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: _answers(port), what="Redis")
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of our own; as root it runs as the user that its package made."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = Path(needed(str(found[-1]) if found else shutil.which("initdb"), "PostgreSQL"))
    folder = tmp_path_factory.mktemp("postgres")
    user: dict[str, str] = {}
    if os.getuid() == 0:
        user = {"user": "postgres", "group": "postgres"}
        for parent in [folder, *folder.parents]:
            if parent == Path("/tmp"):
                break
            parent.chmod(0o755)
        shutil.chown(folder, "postgres", "postgres")
    port = free_port()
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", data, "-U", "chat", "-A", "trust", "-E", "UTF8", "--locale=C"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **user,
    )  # fmt: skip
    process = subprocess.Popen(
        [initdb.with_name("postgres"), "-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **user,
    )  # fmt: skip
    wait_for(lambda: _answers(port), 30, "PostgreSQL")
    yield f"postgresql://chat@127.0.0.1:{port}/postgres"
    process.send_signal(signal.SIGINT)
    process.wait()
