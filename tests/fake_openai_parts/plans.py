"""Decides what each call shall do: the defaults, its message's directives, and the queued faults."""

from __future__ import annotations

import threading
from collections import Counter

from tests.fake_openai_parts import directives
from tests.fake_openai_parts.calls import Call
from tests.fake_openai_parts.directives import Plan, UnknownDirective
from tests.fake_openai_parts.errors import ApiError
from tests.fake_openai_parts.reply import last_user_text


class Plans:
    """The default directives and the queue of faults."""

    def __init__(self, default: str) -> None:
        self.default = directives.as_plan(default)
        self._queue: list[Plan] = []
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def queue(self, directive: str, times: int) -> None:
        with self._lock:
            self._queue += [directives.as_plan(directive)] * times

    def queued(self) -> int:
        return len(self._queue)

    def reset(self) -> None:
        with self._lock:
            self._queue.clear()
            self._seen.clear()

    def plan_for(self, call: Call) -> Plan:
        """The plan of `call`; a queued fault is used up by it. Raises ApiError for a directive nobody knows."""
        said = last_user_text(call.api, call.body) if isinstance(call.body, dict) else ""
        try:
            plan = self.default.merged(directives.parse(said))
        except UnknownDirective as error:
            raise ApiError(400, "unknown_directive", f"The fake knows no directive {error}.") from None
        with self._lock:
            self._seen[said] += 1
            if "times" in plan and self._seen[said] > plan.count("times", 1):
                plan = plan.without_faults()
            if self._queue:
                plan = plan.merged(self._queue.pop(0))
        if "api" in plan and plan.word("api") != call.api:
            plan = Plan()
        call.directives = str(plan)
        return plan
