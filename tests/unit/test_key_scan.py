"""The scan that `make check` and pre-commit run: it finds a key that is about to be committed, and never prints it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fake_openai import make_key

SCRIPT = Path(__file__).resolve().parents[1] / "scan_for_keys.sh"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tests")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def scan(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout / "tests" / SCRIPT.name], capture_output=True, text=True, check=False)


def test_a_planted_key_fails_the_scan_which_names_the_file_and_not_the_key(checkout: Path) -> None:
    key = make_key()
    (checkout / "settings.py").write_text(f'KEY = "{key}"\n')
    found = scan(checkout)
    assert found.returncode == 1
    assert "settings.py" in found.stdout
    assert key not in found.stdout + found.stderr


def test_a_tree_without_a_key_passes(checkout: Path) -> None:
    (checkout / "settings.py").write_text('KEY = os.environ["OPENAI_API_KEY"]\n')
    assert scan(checkout).returncode == 0
