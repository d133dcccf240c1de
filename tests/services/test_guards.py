"""Every guard of the key is needed: with it on the canary is nowhere to be found, with it off it is found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment
from tests.fake_openai import make_key
from tests.services.guards import GUARDS
from tests.services.traces import everything, traces


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[str]]:
    """Where the canary was found, by guard and state: all deeds done, each in a process and a folder of its own."""
    runs = [(name, state) for name in GUARDS for state in ("on", "off")]
    asked = [(*run, str(tmp_path_factory.mktemp("guard")), make_key()) for run in runs]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.services.guards"], input=json.dumps(asked), cwd=ROOT, text=True, check=True,
        env=clean_environment(PYTHONWARNINGS="default"), stdout=subprocess.PIPE, timeout=300,
    )  # fmt: skip
    for (name, _, folder, _), code in zip(asked, json.loads(ran.stdout), strict=True):
        assert code == 0 or "at the top" in name, (Path(folder) / "output.txt").read_text()
    return {run: leaks(Path(folder), key) for run, (*_, folder, key) in zip(runs, asked, strict=True)}


def leaks(folder: Path, key: str) -> list[str]:
    return [where for where, data in everything(folder) if any(trace in data for trace in traces(key))]


@pytest.mark.parametrize("name", GUARDS)
def test_with_the_guard_on_the_canary_is_nowhere(name: str, found: dict[tuple[str, str], list[str]]) -> None:
    assert found[name, "on"] == []


@pytest.mark.parametrize("name", GUARDS)
def test_with_the_guard_off_the_canary_is_found(name: str, found: dict[tuple[str, str], list[str]]) -> None:
    assert found[name, "off"] != []
