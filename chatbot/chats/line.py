"""The line that the log has of each turn: who, what, how long, how much, and why it failed."""

from __future__ import annotations

import logging
import time

from chatbot.chats.asked import Ask
from chatbot.chats.live import LiveReply, Outcome
from chatbot.chats.relay import Relay
from chatbot.errors import Problem

log = logging.getLogger("chatbot.turn")


def log_turn(ask: Ask, reply: LiveReply, relay: Relay, outcome: Outcome, failure: Problem | None) -> None:
    """Nothing that was said, no address and no key: ids, of which a few characters, and a fingerprint."""
    usage = outcome.usage
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
        "?" if relay.first_ms is None else round(relay.first_ms),
        (time.monotonic() - reply.began) * 1000,
        relay.request_id or "-",
        f" problem={failure.code} cause={failure.cause!r}" if failure else "",
    )
