"""A repository made for a test, and the scan of it: the keys planted in it, and the finds that the scan reports."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from click.testing import CliRunner, Result

from chatbot.commands.scan import scan
from tests.fake_openai_parts.keys import make_key

LINE = re.compile(r"(?:([0-9a-f]{12}) )?(.+):(\d+): .+ \(([0-9a-f]{12})\)(?:, in (\d+) versions)?")


def digits(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:12]


class Repository:
    """A repository in a folder, and the keys that were planted in it, by the path that the scan is to name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted: set[tuple[str, str]] = set()
        self.keys: list[str] = []
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "n")
        self.git("config", "user.email", "n@example.org")

    def git(self, *arguments: str, **options: object) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True, **options
        )  # type: ignore[call-overload]
        return str(done.stdout).strip()

    def key(self, path: str) -> str:
        """A new key that the scan is to find at the path."""
        key = make_key()
        self.keys.append(key)
        self.planted.add((path, digits(key)))
        return key

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self, message: str = "message") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def scan(self, *arguments: str) -> set[tuple[str, str]]:
        """Paths, from the repository's top, and fingerprints of all finds; no output holds a key."""
        done = run(*arguments, str(self.folder))
        assert done.exit_code in (0, 1), done.output
        assert not [key for key in self.keys if key in done.output]
        found = lines(done)
        assert done.exit_code == bool(found)
        return {(name.removeprefix(f"{self.folder}/"), fingerprint) for _, name, _, fingerprint, _ in found}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(scan, list(arguments))


def lines(done: Result) -> list[tuple[str, str, str, str, str]]:
    return [match.groups() for line in done.output.splitlines() if (match := LINE.fullmatch(line))]  # type: ignore[misc]
