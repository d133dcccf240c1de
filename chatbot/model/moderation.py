"""Moderation of a question: asked for inside the call, or of the moderation endpoint before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chatbot.errors import Blocked, Busy, Problem
from chatbot.model.cut import Cut, cutting
from chatbot.model.events import Call
from chatbot.model.faults import BACK_OFF_S, KeyRefused, KeyUnfit

MODEL = "omni-moderation-latest"
ANSWER_S = 3

log = logging.getLogger("chatbot.model")


def policy(mode: str) -> dict[str, Any]:
    """The parameter `moderation` of a call, in either API; `mode` is score or block."""
    return {"model": MODEL, "policy": {"input": {"mode": mode}}}


def look_first(call: Call, cut: Cut, ask: Callable[[str], bool]) -> tuple[Call, bool]:
    """The call, not to be moderated again, and whether its question is flagged, as `ask` hears from the endpoint.

    Where the call says block it raises Blocked for a flagged one, and Busy when the endpoint is down; where it says
    score, an endpoint that is down flags nothing.
    """
    try:
        with cutting(cut):
            flagged = ask(call.turns[-call.kept][1])
    except Problem as problem:
        flagged = _unknown(call.moderation, problem)
    cut.release()
    if flagged and call.moderation == "block":
        raise _free(Blocked(cause="flagged by moderation"))
    return replace(call, moderation="off"), flagged


def verdict(told: Any) -> bool:
    """What the endpoint's answer says. Raises AttributeError, TypeError or ValueError when it says nothing."""
    flags = [result.flagged for result in told.results]
    if not flags or not all(isinstance(flag, bool) for flag in flags):
        raise ValueError("no verdict")
    return any(flags)


def _unknown(mode: str, problem: Problem) -> bool:
    if mode != "block":
        log.warning("a question was not moderated: %s", problem.cause)
        return False
    if isinstance(problem, (KeyRefused, KeyUnfit)):  # another key may serve
        raise problem
    wait_s = BACK_OFF_S if problem.retry_after is None else problem.retry_after
    raise _free(Busy(cause=f"moderation: {problem.cause}", retry_after=wait_s))


def _free(problem: Problem) -> Problem:
    problem.charged = "nothing"
    return problem
