"""How the desk writes figures: money, times, spans and shares."""

from __future__ import annotations

import json
from datetime import UTC, datetime


def dollars(nano: int) -> str:
    """Nano-dollars in cents, and finer where it is less than a dollar."""
    if nano >= 10**9:
        return f"${nano / 1e9:,.2f}"
    whole, fraction = f"{nano / 1e9:.4f}".split(".")
    return f"${whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"


def clock(time_ms: int | None) -> str:
    return "-" if time_ms is None else f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def seconds(span_ms: float | None) -> str:
    return "-" if span_ms is None else f"{span_ms / 1000:.2f} s"


def age(span_ms: int) -> str:
    """A span in its largest whole unit, such as `3 days`."""
    for unit, length in (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000)):
        if span_ms >= length:
            count = span_ms // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "0 seconds"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def reached(sent_to: str, due_at: int | None) -> str:
    """How far an alert came: `sent_to` lists the addresses that have it; while it is due, it goes on."""
    count = len(json.loads(sent_to))
    if count:
        return f"to {count} address{'es' if count > 1 else ''}"
    return "nowhere" if due_at is None else "nowhere yet"
