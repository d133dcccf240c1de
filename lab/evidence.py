"""What only the lab sees: the bill and what arrived, by its fake OpenAI, and the target's log and repository."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE_S = 60
# The lab hands these to an attack.
OPENAI, LOG, REPOSITORY = "LAB_OPENAI", "LAB_LOG", "LAB_REPOSITORY"


def bill() -> float:
    """Dollars that OpenAI charges for what the attack has caused, once every call has ended."""
    calls()
    return float(_look("bill")["nano_dollars"]) / 1e9


def calls() -> list[dict[str, Any]]:
    """The calls to a model that the attack has caused: `body`, `headers`, `status` and so on; all have ended."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = [call for call in _look("requests") if call["api"] == "responses"]
        if all(call["ended_at"] for call in found) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def log() -> str:
    """What the target has written to its log."""
    return Path(_given(LOG)).read_text("utf-8", "replace")


def repository() -> str:
    """Where the target's source can be cloned from."""
    return _given(REPOSITORY)


def openai() -> str:
    """The address of what stands in for OpenAI."""
    return _given(OPENAI)


def _look(name: str) -> Any:
    with urllib.request.urlopen(f"{openai()}/_{name}", timeout=PATIENCE_S) as answer:  # noqa: S310 - the lab's own
        return json.load(answer)


def _given(name: str) -> str:
    if name not in os.environ:
        print(f"This attack needs {name}, which `flask lab attack` gives it.")
        sys.exit(2)
    return os.environ[name]
