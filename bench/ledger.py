"""The cost of limits and ledger: the app beside itself without them, in turns, under the same load.

Whatever else runs on the machine slows a run, so of many short ones the best tenth is compared: its slowest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.processes import Server, app, run_load, run_steps
from bench.scenarios import Pace

TURNS_PER_S = 50
RUN_S = 1.0
TOKENS = 3  # of an answer, a millisecond apart
JUDGED = "whole turn p50, ms"
OTHERS = "other processes, cores"
MOST_MS = 3.0
"""What limits and ledger may add to that."""
WITHOUT = "bench.free:create_app()"
Run = dict[str, Any]
Runs = dict[str, list[Run]]


def measure(upstream: Server, api: str, pace: Pace) -> dict[str, Any]:
    """`rows`: by title `with` and `without` limits and ledger, and what is `added`; `steps`: microseconds by name.

    `runs`: all that was measured of each.
    """
    runs: Runs = {"with": [], "without": []}
    with app(upstream.port, api) as dear, app(upstream.port, api, WITHOUT) as free:
        both = [("with", dear), ("without", free)]
        for number in range(pace.ledger_runs):
            for name, server in both if number % 2 else both[::-1]:
                runs[name].append(_run(server))
    return {"rows": _rows(runs), "steps": run_steps(pace.ledger_turns), "runs": runs}


def _run(server: Server) -> Run:
    """Short answers, each for a new visitor, asked for at a steady pace. Raises RuntimeError when none is whole."""
    count = int(TURNS_PER_S * RUN_S)
    found = run_load(
        target="app", port=server.port, streams=count, replies=count, restart=False, ramp=RUN_S,
        tokens=TOKENS, rate=1000, pids={"worker": server.worker},
    )  # fmt: skip
    if not found["whole"]:
        raise RuntimeError(f"no answer was whole: {found['failures']}")
    return found


def _rows(runs: Runs) -> dict[str, dict[str, float]]:
    return {
        JUDGED: _compare(runs, lambda run: run["whole"]["p50"]),
        "whole turn p95, ms": _compare(runs, lambda run: run["whole"]["p95"]),
        "first byte p50, ms": _compare(runs, lambda run: run["byte"]["p50"]),
        "first byte p95, ms": _compare(runs, lambda run: run["byte"]["p95"]),
        "CPU a turn, ms": _compare(runs, lambda run: run["cpu"]["worker"] * run["seconds"] * 1000 / run["ended"]),
        OTHERS: _compare(runs, lambda run: run["others"]),
    }


def _compare(runs: Runs, of: Callable[[Run], float]) -> dict[str, float]:
    good = {name: sorted(map(of, found))[len(found) // 10] for name, found in runs.items()}
    return {**good, "added": good["with"] - good["without"]}
