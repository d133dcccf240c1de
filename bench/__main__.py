"""`python -m bench`: the app beside a naive baseline, and beside itself without limits and ledger, as tables.

--quick  about a minute, coarser     --json FILE  all numbers too
--only app|naive|ledger|history      --api responses|chat_completions  what the app speaks to the upstream
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench import history, ledger, processes, report, scenarios
from bench.processes import Server
from bench.scenarios import QUICK, Pace


def main() -> int:
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended too
    _raise_file_limit()
    pace = QUICK if asked.quick else Pace()
    print(
        f"worker on core {processes.SERVER_CORE}; upstream and load generator on core {processes.OTHER_CORE}",
        flush=True,
    )
    results: dict[str, dict[str, Any]] = {}
    with processes.upstream() as upstream:
        if asked.only in ("", "app"):
            results["app"] = measure("app", processes.app(upstream.port, asked.api), upstream, pace)
        if asked.only in ("", "naive"):
            results["naive"] = measure("naive", processes.naive(upstream.port), upstream, pace)
        if asked.only in ("", "ledger"):
            _tell("ledger", f"{pace.ledger_runs} runs with it and without")
            results["ledger"] = ledger.measure(upstream, asked.api, pace)
    if asked.only in ("", "history"):
        _tell("history", f"{pace.history_chats:,} chats")
        results["history"] = history.measure(pace)
    print("\n".join(report.lines(results)))
    if asked.json:
        Path(asked.json).write_text(json.dumps(results, indent=2), encoding="utf-8")
    return 0


def measure(target: str, started: AbstractContextManager[Server], upstream: Server, pace: Pace) -> dict[str, Any]:
    """Everything that is measured of one server, from its first call on."""
    found: dict[str, Any] = {"direct": scenarios.first_token("direct", upstream, pace.sequential)}
    with started as server:
        _tell(target, "first calls")
        found["first_call"] = scenarios.first_token(target, server, 1)
        found["sequential"] = scenarios.first_token(target, server, pace.sequential)
        _tell(target, f"{pace.open_streams} open streams")
        found["open"] = scenarios.open_streams(target, server, upstream, pace)
        found["steady"] = {}
        for streams in pace.streams:
            _tell(target, f"{streams} streams")
            found["steady"][streams] = scenarios.steady(target, server, upstream, streams, pace)
        if pace.search_steps:
            _tell(target, "the most streams")
        found["most"], found["search"] = scenarios.most_streams(target, server, upstream, pace, found["steady"])
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="about a minute, coarser")
    parser.add_argument("--only", choices=("app", "naive", "ledger", "history"), default="", help="measure one of them")
    parser.add_argument("--api", choices=("responses", "chat_completions"), default="responses")
    parser.add_argument("--json", metavar="FILE", default="", help="write all numbers there")
    return parser.parse_args()


def _raise_file_limit() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tell(target: str, what: str) -> None:
    print(f"... {target}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
