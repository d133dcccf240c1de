"""The libraries in static/vendor are the files that were published, with their licences beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
LIST = VENDOR / "SHA256SUMS"


def test_every_vendored_file_has_the_sum_that_is_listed() -> None:
    for line in LIST.read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_no_vendored_file_is_missing_from_the_list() -> None:
    listed = {line.split("  ")[1] for line in LIST.read_text().splitlines()}
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file() and path != LIST}
    assert found == listed


def test_every_library_names_its_version_and_carries_its_licence() -> None:
    for folder in VENDOR.iterdir():
        if folder.is_dir():
            assert folder.name.rsplit("-", 1)[1][0].isdigit(), folder
            assert (folder / "LICENSE").stat().st_size > 200, folder
