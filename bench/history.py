"""Pages and searches of a history of 100,000 messages in 5,000 chats, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

from bench.postgres import postgres
from bench.processes import free_port, run_shelves
from bench.scenarios import Pace

MOST_MS = 50.0
"""What the 95th of a hundred may take."""
MOST_TIMES = 3.0
"""How much more a page of a long history may cost than one of a short history."""


def measure(pace: Pace) -> dict[str, Any]:
    """What `bench.shelves` measures, by database."""
    sizes = (pace.history_chats, 20 * pace.history_chats, pace.history_rounds)
    found = {"SQLite": run_shelves(*sizes)}
    with postgres(free_port()) as url:
        if url:
            found["PostgreSQL"] = run_shelves(*sizes, database_url=url)
    return found


def verdicts(found: dict[str, Any]) -> list[str]:
    """A line for each database."""
    told = []
    for name, run in found.items():
        slowest = max(times["p95"] for times in (*run["lists"].values(), *run["searches"].values()))
        _, few, *many = (times["p50"] for times in run["lists"].values())
        ratio = max(many) / few
        verdict = f"{'within' if slowest <= MOST_MS else 'MORE THAN'} {MOST_MS:.0f} ms"
        more = f"{'within' if ratio <= MOST_TIMES else 'MORE THAN'} {MOST_TIMES:.0f} times"
        told.append(
            f"{name}: the slowest p95 is {slowest:.1f} ms: {verdict}; "
            f"the longest history's page costs {ratio:.2f} times the shortest's: {more}"
        )
    return told
