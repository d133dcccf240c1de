"""The error tree: what the visitor reads, the status and code on the wire, and when waiting helps.

    SettingsError            the start is refused; one line a fault
    Problem                  becomes application/problem+json (RFC 9457), or an in-band error event
    ├── BadRequest           400  bad_request    the request is malformed; `field` says where
    ├── AccessRequired       401  access_required  the access code was not given
    ├── CrossSite            403  cross_site     another site's page sent it
    ├── NotFound             404  not_found      no such thing, or somebody else's
    ├── ReplyRunning         409  reply_running  this chat is still being answered
    ├── TooLong              413  too_long       over a bound; `field` says which
    ├── ContainsKey          422  contains_key   the message holds something shaped like a key
    ├── Blocked              422  blocked        refused by moderation
    ├── LimitReached         429  rate_limited   a visitor, network or site limit
    ├── BudgetSpent          429  budget_spent   nothing is left of a day's or a month's money
    ├── Paused               503  paused         the operator, or a quota's end, has stopped all spending
    ├── Unavailable          503  unavailable    configuration, key or money: only the operator can help
    ├── Busy                 503  busy           overload, time-out, no connection: waiting helps
    └── Broken               503  broken         the answer arrived damaged or incomplete
        └── Withheld         503  broken         it held a piece of a key, and was stopped

A Problem's words are ours and safe to show; `cause` is for the operator's log and never holds upstream text.
"""

from __future__ import annotations

import math
from pathlib import Path
from traceback import extract_tb
from typing import Any

from click import ClickException


class SettingsError(ClickException):
    """The settings do not allow a start: one line per fault. `flask` prints these alone and exits with 2."""

    exit_code = 2

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def place(error: BaseException) -> str:
    """Where an exception was raised, as file and line: never its text, which may quote anything."""
    frames = extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


class Problem(Exception):
    """A failure with a status, a stable code and one plain sentence for the visitor."""

    status = 500
    code = "internal"
    title = "Something went wrong"
    detail = "Something went wrong on the server. Please try again."
    retryable = False  # may the same call be made once more before the first byte?
    told_wait = False  # did the upstream itself say how long to wait?
    charged = "all"  # what OpenAI may bill for a call that failed so before any text: nothing, input or all

    def __init__(
        self, detail: str | None = None, *, cause: str = "", retry_after: float | None = None, field: str | None = None
    ) -> None:
        self.detail = detail or type(self).detail
        self.cause = cause
        self.retry_after = retry_after
        self.field = field
        super().__init__(f"{self.code}: {cause or self.detail}")

    def members(self) -> dict[str, Any]:
        """The problem's JSON members (RFC 9457); `retry_after` in whole seconds, rounded up."""
        members = {
            "type": f"about:blank#{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retry_after": None if self.retry_after is None else max(1, math.ceil(self.retry_after)),
            "field": self.field,
        }
        return {name: told for name, told in members.items() if told is not None}


class BadRequest(Problem):
    status, code, title = 400, "bad_request", "The request is malformed"
    detail = "The request could not be understood."


class AccessRequired(Problem):
    status, code, title = 401, "access_required", "The access code is needed"
    detail = "This chat is for those who know its access code. Please enter it first."


class CrossSite(Problem):
    status, code, title = 403, "cross_site", "Sent by another site"
    detail = "This request came from another site and was refused."


class NotFound(Problem):
    status, code, title = 404, "not_found", "Not found"
    detail = "There is nothing here, or it is not yours."


class ReplyRunning(Problem):
    status, code, title = 409, "reply_running", "Still answering"
    detail = "This chat is still being answered. Wait for the answer, or stop it."


class TooLong(Problem):
    status, code, title = 413, "too_long", "Too long"
    detail = "The message is too long."


class ContainsKey(Problem):
    status, code, title = 422, "contains_key", "That looks like a key"
    detail = "This message holds something shaped like an API key, so it was not sent on and not kept."


class Blocked(Problem):
    status, code, title = 422, "blocked", "Not answered"
    detail = "This message was not answered because it goes against the usage rules."


class LimitReached(Problem):
    status, code, title = 429, "rate_limited", "Too many messages"
    detail = "That was a lot of messages. Please wait a little."


class BudgetSpent(Problem):
    status, code, title = 429, "budget_spent", "The budget is spent"
    detail = "What may be spent here for now is spent."


class Paused(Problem):
    status, code, title = 503, "paused", "Paused"
    detail = "The assistant is paused for now. Please come back later."


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "Not available"
    detail = "The assistant is not available right now."


class Busy(Problem):
    status, code, title = 503, "busy", "Busy"
    detail = "The assistant is busy right now. Please try again in a moment."
    retryable = True


class Broken(Problem):
    status, code, title = 503, "broken", "The answer broke off"
    detail = "The answer broke off before it was complete."


class Withheld(Broken):
    detail = "The answer was stopped, because it held something that must not be shown."
