"""One server for each API that is asked for every fault once, and a reply that begins late, made beside the tests."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOMY, ROOT, Served, clean_environment, free_port, serving, wait_until_ready
from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, FakeOpenAI
from tests.faults.asked import Asked, ask_all

APIS = {"responses": "responses", "chat": "chat_completions"}
LATE_S = 61


@contextmanager
def serving_threads(folder: Path, *arguments: str, **variables: object) -> Iterator[Served]:
    """The app under a threaded development server, as `flask run` is."""
    port = free_port()
    database = f"sqlite:///{folder}/chat.db"
    environment = clean_environment(**{**ROOMY, "DATABASE_URL": database, "PORT": port, **variables})
    log_path = folder / "threads.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.by_threads", *arguments],
            cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    served = Served(f"http://127.0.0.1:{port}", process, log_path, database)
    try:
        wait_until_ready(served)
        yield served
    finally:
        served.kill()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return tmp_path_factory.mktemp


@dataclass
class Asking:
    """Where all faults of one API were asked for, and what came of them."""

    fake: FakeOpenAI
    served: Served
    found: dict[str, Asked]


@pytest.fixture(scope="session")
def asked(folder: Callable[[str], Path]) -> Iterator[Callable[[str], Asking]]:
    """A function: for an API, every fault that needs no long wait, asked for once and all at the same time."""
    with ExitStack() as stack:

        @cache
        def all_of(api: str) -> Asking:
            fake = stack.enter_context(FakeOpenAI())
            start = stack.enter_context(serving(folder(f"faults-{api}")))
            served = start(**fake.env, OPENAI_API=APIS[api], MAX_OUTPUT_TOKENS=256)
            faults = [each for each in [*FAULTS_BEFORE, *FAULTS_DURING] if api in each.apis and each.hint != "timeout"]
            return Asking(fake, served, ask_all(served, fake, faults))

        yield all_of


@pytest.fixture(scope="session")
def silent(folder: Callable[[str], Path]) -> Iterator[Callable[[str], Asking]]:
    """The same for the faults that fall silent, under a server that waits for three seconds only."""
    with ExitStack() as stack:

        @cache
        def all_of(api: str) -> Asking:
            fake = stack.enter_context(FakeOpenAI())
            place = folder(f"silent-{api}")
            served = stack.enter_context(serving_threads(place, "3", **fake.env, OPENAI_API=APIS[api]))
            faults = [each for each in [*FAULTS_BEFORE, *FAULTS_DURING] if api in each.apis and each.hint == "timeout"]
            return Asking(fake, served, ask_all(served, fake, faults))

        yield all_of


@pytest.fixture(scope="session", autouse=True)
def late_reply(folder: Callable[[str], Path], request: pytest.FixtureRequest) -> Iterator[Callable[[], Asked]]:
    """A reply whose first byte comes after a minute, asked for now so that it costs no test its time."""
    if not any("late_first_token" in item.name for item in request.session.items):
        yield lambda: pytest.fail("not asked for")
        return
    with FakeOpenAI() as fake, serving(folder("late")) as start:
        served = start(**fake.env)
        found: dict[str, Asked] = {}
        fault = replace(FAULTS_BEFORE[0], directive=f"stall {LATE_S}")
        thread = threading.Thread(target=lambda: found.update(ask_all(served, fake, [fault])), daemon=True)
        thread.start()

        def wait() -> Asked:
            thread.join(LATE_S + 60)
            return found[str(fault)]

        yield wait
