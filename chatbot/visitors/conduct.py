"""Conduct: whose messages moderation blocks again and again has to wait, each time for twice as long."""

from __future__ import annotations

from limits import RateLimitItemPerDay, RateLimitItemPerHour
from sqlalchemy import Engine

from chatbot.db import now_ms
from chatbot.visitors.blocks import CONDUCT, block
from chatbot.visitors.limits import Limits
from chatbot.visitors.who import Visitor

MOST = {"visitor": 3, "network": 30}  # blocked messages in an hour; from this one on there is a wait
FIRST_WAIT_S = 600
LONGEST_WAIT_S = 86_400
HOUR, DAY = RateLimitItemPerHour(1_000_000), RateLimitItemPerDay(1_000_000)  # counted, not limited


def misbehaved(engine: Engine, limits: Limits, visitor: Visitor) -> None:
    """Note that a message of the visitor was blocked by moderation; where it was one too many, block who sent it."""
    with limits.together():
        for scope, who in (("visitor", visitor.id), ("network", visitor.network)):
            if limits.counted(HOUR, f"conduct {scope}", who) >= MOST[scope]:
                doublings = limits.counted(DAY, f"waits {scope}", who) - 1
                wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(doublings, 30))
                block(engine, f"{scope}/{who}", CONDUCT, now_ms() + wait_s * 1000, only_longer=True)
