"""The measurements: each runs the load generator against one server and gives the numbers of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.processes import Server, run_load

RATE = 50.0
"""Tokens per second and stream, about what OpenAI's quicker models send."""
MAX_GAP_MS = 200.0
OPENED_PER_SECOND = 60
FEWEST_STREAMS, MOST_STREAMS = 10, 3_200


@dataclass(frozen=True)
class Pace:
    """How long things run, in seconds, and how often they are repeated. `ledger_turns`: in one thread, step by step."""

    tokens: int = 200
    warm: float = 2.0
    window: float = 8.0
    streams: tuple[int, ...] = (20, 100, 400)
    sequential: int = 100
    search_steps: int = 6
    open_streams: int = 1_000
    ledger_runs: int = 30
    ledger_turns: int = 3_000
    history_chats: int = 5_000
    history_rounds: int = 200


QUICK = Pace(
    100, 0.5, 2.0, (20, 100, 400), 30, search_steps=0, open_streams=300, ledger_runs=10, ledger_turns=1_000,
    history_chats=1_000, history_rounds=50,
)  # fmt: skip


def first_token(target: str, server: Server, replies: int) -> dict[str, Any]:
    """Milliseconds to the first token, one call after another."""
    return run_load(target=target, port=server.port, streams=1, tokens=3, rate=1000, replies=replies)


def steady(target: str, server: Server, upstream: Server, streams: int, pace: Pace) -> dict[str, Any]:
    """`streams` streams of 50 tokens/s for a while, each started again when its tokens are over."""
    result = run_load(
        target=target,
        port=server.port,
        streams=streams,
        tokens=pace.tokens,
        rate=RATE,
        ramp=pace.tokens / RATE,
        warm=pace.warm,
        seconds=pace.window,
        pids={"worker": server.worker, "upstream": upstream.process.pid},
    )
    result["us_per_token"] = result["cpu"]["worker"] * 1e6 / max(1.0, result["per_second"])
    return result


def open_streams(target: str, server: Server, upstream: Server, pace: Pace) -> dict[str, Any]:
    """Many slow streams at once: all must end well. Adds the memory that each took."""
    count = pace.open_streams
    ramp = count / OPENED_PER_SECOND
    base = run_load(
        target=target, port=server.port, streams=1, tokens=2, rate=10, replies=5, pids={"worker": server.worker}
    )
    result = run_load(
        target=target,
        port=server.port,
        streams=count,
        tokens=round(ramp + pace.window + 4),
        rate=1,
        ramp=ramp,
        warm=2.0,
        seconds=pace.window / 2,
        restart=False,
        pids={"worker": server.worker, "upstream": upstream.process.pid},
    )
    grown = result["memory_before"]["worker"] - base["memory"]["worker"]
    result["kib_per_stream"] = grown / 1024 / count
    return result


def holds(result: dict[str, Any]) -> bool:
    """Whether the load was carried: no failure, no lag behind what was offered, and p99 gap within bounds."""
    gap = result["gap"].get("p99", float("inf"))
    return not result["failed"] and result["per_second"] >= 0.95 * result["offered"] and gap < MAX_GAP_MS


def most_streams(
    target: str, server: Server, upstream: Server, pace: Pace, known: dict[int, dict[str, Any]]
) -> tuple[int, dict[int, dict[str, Any]]]:
    """The most streams one worker holds at 50 tokens/s: doubling, then halving the step. Returns all that was run."""
    runs = dict(known)
    bad = min((count for count, run in runs.items() if not holds(run)), default=MOST_STREAMS + 1)
    good = max((count for count, run in runs.items() if holds(run) and count < bad), default=0)
    for _ in range(pace.search_steps):
        count = max(FEWEST_STREAMS, good * 2) if bad > MOST_STREAMS else (good + bad) // 2
        if count > MOST_STREAMS or bad - good <= max(FEWEST_STREAMS, good // 20):
            break
        runs[count] = steady(target, server, upstream, count, pace)
        good, bad = (count, bad) if holds(runs[count]) else (good, count)
    return good, runs
