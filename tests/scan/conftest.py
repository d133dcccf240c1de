"""What the tests of the scan share: a repository, and no variables of a hook that may have started the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scan.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "repo").mkdir()
    return Repository(tmp_path / "repo")


@pytest.fixture(autouse=True)
def no_git_of_a_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
