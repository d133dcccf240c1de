"""Puts the numbers side by side in tables of text, with what a reader should know of them."""

from __future__ import annotations

from typing import Any

from bench import history, ledger

SERVERS = ("app", "naive")
COLUMNS = ("with", "without", "added")
MOST_OTHERS = 0.15  # cores that other processes may take of the machine


def lines(results: dict[str, dict[str, Any]]) -> list[str]:
    """What was measured, as far as it was: the servers side by side, the cost of limits and ledger, the history."""
    servers = {name: results[name] for name in SERVERS if name in results}
    told = [*_table(SERVERS, {name: _rows(found) for name, found in servers.items()}), *_notes(servers)]
    told = told if servers else []
    told += _ledger(results["ledger"]) if "ledger" in results else []
    return told + (_history(results["history"]) if "history" in results else [])


def _history(found: dict[str, Any]) -> list[str]:
    def cell(times: dict[str, float]) -> str:
        return f"{times['p50']:.1f} / {times['p95']:.1f}"

    cells = {
        name: {title: cell(times) for title, times in run["lists"].items()}
        | {f"search for {title} ({run['found'][title]} found)": cell(times) for title, times in run["searches"].items()}
        for name, run in found.items()
    }
    return [
        "history of 20 messages a chat, by the API without a network, p50 / p95 ms",
        *_table(tuple(found), cells),
        *history.verdicts(found),
    ]


def _ledger(found: dict[str, Any]) -> list[str]:
    rows, runs = found["rows"], found["runs"]["with"] + found["runs"]["without"]
    cells = {name: {title: f"{row[name]:.1f}" for title, row in rows.items()} for name in COLUMNS}
    added, others = rows[ledger.JUDGED]["added"], max(rows[ledger.OTHERS].values())
    verdict = f"{'within' if added <= ledger.MOST_MS else 'MORE THAN'} the {ledger.MOST_MS:.0f} ms that they may"
    if others > MOST_OTHERS:
        verdict = f"no verdict, because other processes took {others:.0%} of a core; measure again when idle"
    return [
        f"limits and ledger, {ledger.TURNS_PER_S} turns/s on SQLite, by the best tenth of {len(runs)} runs",
        *_table(COLUMNS, cells),
        f"in one thread, p50 us: {', '.join(f'{name} {us:.0f}' for name, us in found['steps'].items())}",
        *(f"ledger: {why}" for run in runs for why in run["failures"]),
        f"limits and ledger add {added:.1f} ms p50 to a turn: {verdict}",
    ]


def _rows(found: dict[str, Any]) -> dict[str, str]:
    """What was measured of one server, as names and cells."""
    shown: dict[str, str] = {}
    if "first_call" in found:
        direct = found["direct"]["first"]
        first = found["sequential"]["first"]
        shown["first call of a fresh worker, ms"] = f"{found['first_call']['first']['max']:.1f}"
        shown["time to first token, one at a time, p50 / p99 ms"] = f"{first['p50']:.1f} / {first['p99']:.1f}"
        shown["  the same over a direct call, p50 / p99 ms"] = (
            f"+{first['p50'] - direct['p50']:.1f} / +{first['p99'] - direct['p99']:.1f}"
        )
    if "open" in found:
        run = found["open"]
        shown["streams open at once"] = f"{run['peak']:,}{_failed(run) or ' (0 failed)'}"
        shown["  memory of each, KiB"] = f"{run['kib_per_stream']:.0f}"
        shown["  time to first token p50 / p99 ms"] = _pair(run["first"])
    for count, run in sorted(found.get("steady", {}).items()):
        title = f"{count} streams x 50/s: "
        shown[title + "delivered tokens/s"] = f"{run['per_second']:,.0f}{_failed(run)}"
        shown[title + "CPU us per token (core used)"] = f"{run['us_per_token']:.0f} ({run['cpu']['worker']:.0%})"
        shown[title + "gap p50 / p99 ms"] = _pair(run["gap"])
        shown[title + "time to first token p50 / p99 ms"] = _pair(run["first"])
    if "most" in found:
        searched = len(found["search"]) > len(found["steady"])
        shown["streams held at 50/s, p99 gap < 200 ms"] = f"{'' if searched else '>= '}{found['most']}"
    return shown


def _notes(results: dict[str, dict[str, Any]]) -> list[str]:
    """What a reader should know of this run: causes of failures, and a load generator that was too busy to trust."""
    told = []
    for name, found in results.items():
        runs = {**found.get("steady", {}), "open": found.get("open", {})}
        for title, run in runs.items():
            told += [f"{name}, {title}: {count} x {why}" for why, count in run.get("failures", {}).items()]
            busy = run.get("cpu", {})
            if busy.get("load", 0) + busy.get("upstream", 0) > 0.9:
                told.append(f"{name}, {title}: load generator and upstream were at their limit; do not trust this row")
            if run.get("others", 0) > MOST_OTHERS:
                told.append(
                    f"{name}, {title}: other processes took {run['others']:.0%} of a core; measure again when idle"
                )
    return told


def _table(header: tuple[str, ...], columns: dict[str, dict[str, str]]) -> list[str]:
    """`columns`: by name, their cells by row. A dash where something was not measured."""
    names = list(dict.fromkeys(name for found in columns.values() for name in found))
    table = [("", *header), *((name, *(columns.get(who, {}).get(name, "-") for who in header)) for name in names)]
    widths = [max(len(line[column]) for line in table) for column in range(len(header) + 1)]
    shown = [
        f"{line[0]:<{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in table
    ]
    return [shown[0], "-" * len(shown[0]), *shown[1:]]


def _pair(found: dict[str, float]) -> str:
    return f"{found['p50']:.0f} / {found['p99']:.0f}" if found else "none"


def _failed(run: dict[str, Any]) -> str:
    return f" ({run['failed']} failed)" if run["failed"] else ""
