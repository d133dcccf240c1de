"""The exercises: what the folders of the lab hold, and what this app is set to while one is tried on it."""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from chatbot.config import ROOT

LAB = ROOT / "lab"
SOLVED = ROOT / "instance" / "lab.json"
OPEN = dict.fromkeys(("LIMIT_VISITOR", "LIMIT_NETWORK", "LIMIT_SITE", "LIMIT_NEW_VISITORS"), "100000/minute") | {
    "MAX_CONCURRENT_REPLIES": "1000"
}
LIMITED = {"WEB_CONCURRENCY": "4", "MAX_CONCURRENT_REPLIES": "1000"}  # its usual limits of messages
# Where an attack is on limits or money, this app must not stop it by another of its limits before.
SETTINGS = {
    7: LIMITED,
    8: LIMITED,
    9: LIMITED,
    10: OPEN | {"BUDGET_SITE_DAY": "0.004", "MAX_OUTPUT_TOKENS": "400"},
    11: OPEN | {"BUDGET_VISITOR_DAY": "0.0005", "MAX_OUTPUT_TOKENS": "400"},
}


# Whose attack leaves this app without a key, so that no other exercise can be tried on the same one.
SPOILING = (4,)


@dataclass(frozen=True)
class Exercise:
    """One folder: app.py is broken, attack.py breaks it, cure.diff mends it, and mine.py, if any, is the learner's."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def number(self) -> int:
        return int(self.name.partition("-")[0])

    @property
    def title(self) -> str:
        """As its README has it: `7. No limits`."""
        return (self.folder / "README.md").read_text("utf-8").splitlines()[0].removeprefix("# ")

    @property
    def attack(self) -> str:
        """What the attack does, in a sentence."""
        told = ast.get_docstring(ast.parse((self.folder / "attack.py").read_text("utf-8")))
        return (told or "").splitlines()[0]

    @property
    def cure(self) -> Path:
        return self.folder / "cure.diff"

    @property
    def mine(self) -> Path:
        return self.folder / "mine.py"

    @property
    def settings(self) -> dict[str, str]:
        return SETTINGS.get(self.number, OPEN)

    @property
    def is_solved(self) -> bool:
        """Has mine.py, as it is, withstood the attack?"""
        return self.mine.exists() and _solved().get(self.name) == _digest(self.mine)

    def note_solved(self) -> None:
        SOLVED.parent.mkdir(exist_ok=True)
        SOLVED.write_text(json.dumps(_solved() | {self.name: _digest(self.mine)}, indent=2))


def exercises() -> list[Exercise]:
    """All of them, by number."""
    return [Exercise(path.parent) for path in sorted(LAB.glob("[0-9][0-9]-*/app.py"))]


def find(wanted: str) -> Exercise | None:
    """By number or name: `7`, `07-no-limits` or `no-limits`."""
    return next((each for each in exercises() if wanted in (str(each.number), each.name, each.name[3:])), None)


def _solved() -> dict[str, str]:
    try:
        return dict(json.loads(SOLVED.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
