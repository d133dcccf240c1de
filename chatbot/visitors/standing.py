"""Where a visitor stands to a limit: what is left of a sliding window, when more comes, and the headers that say so."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import msgspec
from limits import RateLimitItem

Window = tuple[int, float, int, float]  # hits in the previous fixed window, until it slides out; the current, likewise


class Standing(msgspec.Struct, frozen=True):
    """One limit as a visitor stands to it: `left` of `limit` in `window_s` seconds, more at `resets_at`."""

    scope: str
    limit: int
    window_s: int
    left: int
    resets_at: datetime


def standing(scope: str, item: RateLimitItem, window: Window) -> Standing:
    left = max(0, int(item.amount - used(item, window)))
    resets_at = datetime.fromtimestamp(math.ceil(time.time() + wait_s(item, window)), UTC)
    return Standing(scope, item.amount, item.get_expiry(), left, resets_at)


def used(item: RateLimitItem, window: Window) -> float:
    previous, previous_ttl, current, _ = window
    return current + previous * previous_ttl / item.get_expiry()


def wait_s(item: RateLimitItem, window: Window) -> float:
    """Seconds until one more hit is admitted or, while there are places left, until the current window ends."""
    previous, previous_ttl, current, current_ttl = window
    length = item.get_expiry()
    if item.amount == 0:
        return float(length)
    room = item.amount - 1 - current
    if room < 0:
        return current_ttl - (item.amount - 1) * length / current
    if room < previous * previous_ttl / length:
        return previous_ttl - room * length / previous
    return current_ttl - length if previous or current else 0.0


def headers(standings: list[Standing]) -> dict[str, str]:
    """RateLimit and RateLimit-Policy of the IETF draft: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
    if not standings:
        return {}
    now = time.time()
    named = [(f"{s.scope}-{s.window_s}s", s, max(0, round(s.resets_at.timestamp() - now))) for s in standings]
    return {
        "RateLimit": ", ".join(f'"{name}";r={s.left};t={reset_s}' for name, s, reset_s in named),
        "RateLimit-Policy": ", ".join(f'"{name}";q={s.limit};w={s.window_s}' for name, s, _ in named),
    }
