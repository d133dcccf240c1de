"""The line that the log has of each turn: who, what, how long, how much, and why it failed."""

from __future__ import annotations

import logging
import time

from chatbot.chats.asked import Turn
from chatbot.chats.live import Outcome
from chatbot.errors import Problem

log = logging.getLogger("chatbot.turn")


def log_turn(turn: Turn, outcome: Outcome, failure: Problem | None) -> None:
    """Nothing that was said, no address and no key: ids, of which a few characters, and a fingerprint."""
    ask, relay, usage = turn.ask, turn.relay, outcome.usage
    log.log(
        logging.WARNING if failure else logging.INFO,
        "turn %s visitor=%s chat=%s model=%s key=%s tokens=%s/%s cost=%s first=%sms total=%dms request=%s%s",
        outcome.status,
        ask.visitor[:8],
        ask.chat[:8],
        ask.model,
        relay.key.fingerprint if relay.key else "-",
        usage.input if usage else "?",
        usage.output if usage else "?",
        "?" if outcome.cost_nano is None else f"${outcome.cost_nano / 1e9:.6f}",
        "?" if relay.first_ms is None else relay.first_ms,
        (time.monotonic() - turn.reply.began) * 1000,
        relay.request_id or "-",
        f" problem={failure.code} cause={failure.cause!r}" if failure else "",
    )
