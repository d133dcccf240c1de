"""The cost of the limits and the ledger: the app beside one where they do nothing, in turns, under the same load.

What else runs on the machine slows both, so only their difference counts: the median over many short pairs of runs.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from bench.processes import Server, app, run_load, run_steps
from bench.scenarios import Pace

TURNS_PER_S = 50
ROUND_S = 1.0
TOKENS = 3
MOST_MS = 3.0
"""What they may add to the median turn."""
FREE = "bench.free:create_app()"


def measure(upstream: Server, api: str, pace: Pace) -> dict[str, Any]:
    """`rows`: by name, milliseconds `with` and `without` them and what they `add`; `steps`: microseconds by name.

    `runs`: all that was measured of both.
    """
    runs: dict[str, list[dict[str, Any]]] = {"with": [], "without": []}
    with app(upstream.port, api) as paying, app(upstream.port, api, FREE) as free:
        both = [("with", paying), ("without", free)]
        for _, server in both:
            _turns(server)  # to warm up
        for number in range(pace.ledger_rounds):
            for name, server in both if number % 2 else reversed(both):
                runs[name].append(_turns(server))
    return {"rows": _rows(runs), "steps": run_steps(pace.ledger_steps), "runs": runs}


def _turns(server: Server) -> dict[str, Any]:
    """Short answers, each for a new visitor, at a pace of their own."""
    count = int(TURNS_PER_S * ROUND_S)
    open_loop = {"streams": count, "replies": count, "restart": False, "ramp": ROUND_S}
    return run_load(
        target="app", port=server.port, tokens=TOKENS, rate=1000, pids={"worker": server.worker}, **open_loop
    )


def _rows(runs: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    picked = {
        f"{title}, {share} ms": {name: [run[kind].get(share, 0.0) for run in found] for name, found in runs.items()}
        for title, kind in (("whole turn", "whole"), ("first byte", "byte"))
        for share in ("p50", "p95")
    }
    picked["CPU of the worker, ms a turn"] = {
        name: [run["cpu"]["worker"] * run["seconds"] * 1000 / run["ended"] for run in found]
        for name, found in runs.items()
    }
    return {
        title: {name: median(values) for name, values in both.items()} | {"added": _added(both)}
        for title, both in picked.items()
    }


def _added(both: dict[str, list[float]]) -> float:
    return median(dear - cheap for dear, cheap in zip(both["with"], both["without"], strict=True))
