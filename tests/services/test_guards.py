"""Every guard of the key is needed: with it on the canary is nowhere to be found, with it off it is found."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment
from tests.fake_openai import make_key
from tests.services.guards import GUARDS
from tests.services.traces import everything, traces


def leaks(name: str, folder: Path, state: str) -> list[str]:
    """Where the canary was found after the guard's deed."""
    key = make_key()
    environment = clean_environment(PYTHONPATH=ROOT, PYTHONWARNINGS="default")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.services.guards", name, state], input=key.encode(), cwd=folder,
        env=environment, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    said = {"output": ran.stdout + ran.stderr, **dict(everything(folder))}
    assert ran.returncode == 0 or "at the top" in name, ran.stderr.decode()
    return [where for where, data in said.items() if any(trace in data for trace in traces(key))]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[str]]:
    """Where the canary was found, by guard and state: all deeds done, three at a time."""
    runs = [(name, state) for name in GUARDS for state in ("on", "off")]
    folders = [tmp_path_factory.mktemp("guard") for _ in runs]
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(runs, pool.map(lambda run, folder: leaks(run[0], folder, run[1]), runs, folders), strict=True))


@pytest.mark.parametrize("name", GUARDS)
def test_with_the_guard_on_the_canary_is_nowhere(name: str, found: dict[tuple[str, str], list[str]]) -> None:
    assert found[name, "on"] == []


@pytest.mark.parametrize("name", GUARDS)
def test_with_the_guard_off_the_canary_is_found(name: str, found: dict[tuple[str, str], list[str]]) -> None:
    assert found[name, "off"] != []
