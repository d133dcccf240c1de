"""Every way in which OpenAI can fail, mapped once to what the visitor reads and the operator's log says.

Codes: https://platform.openai.com/docs/guides/error-codes. The upstream's own words are never used: they can contain
part of the key, and names of the organization. Operators find the call by its request id.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

from chatbot.errors import Blocked, Broken, Busy, Problem, TooLong, Unavailable
from chatbot.key.watch import watch

BACK_OFF_S = 5  # told to visitors when the upstream says nothing of its own
LONGEST_TOLD_S = 3600.0  # a server whose clock is wrong names a day in another year


class ContextTooLong(TooLong):
    """The chat does not fit the model: the oldest turns are left out, and only then does the visitor hear of it."""

    detail = "This chat has become too long for the model. Please start a new one or shorten the message."


class KeyRefused(Unavailable):
    """The key is wrong, revoked or expired: another one may serve."""


class KeyUnfit(Unavailable):
    """The key or identity does not serve, and nobody says that it is dead: a key that stands by may serve."""


class QuotaSpent(Unavailable):
    """The money at OpenAI has run out, or a limit on it is reached: asking again cannot help."""


class ModelGone(Unavailable):
    """The model is not to be had with this key, or no longer at all: only the operator can choose another."""


class Refused(Unavailable):
    """The server refused the request's form: perhaps a parameter that only OpenAI's own API knows."""


# code -> (problem, what the operator should know)
CODES: dict[str, tuple[type[Problem], str]] = {
    "invalid_api_key": (KeyRefused, "the key is wrong, revoked or expired: put a new one in place"),
    "account_deactivated": (Unavailable, "the OpenAI account is deactivated"),
    "missing_scope": (Unavailable, "the key lacks a permission: allow it to call this API and model"),
    "insufficient_permissions": (Unavailable, "the key lacks a permission: allow it to call this API and model"),
    "ip_not_authorized": (Unavailable, "this server's address is not on the project's IP allowlist"),
    "ip_not_allowed": (Unavailable, "this server's address is not on the project's IP allowlist"),
    "unsupported_country_region_territory": (Unavailable, "OpenAI does not serve this server's country"),
    "model_not_found": (ModelGone, "the project has no access to the model, or it has been retired"),
    "insufficient_quota": (QuotaSpent, "the quota is used up: check the plan and billing"),
    "credit_balance_exhausted": (QuotaSpent, "the prepaid credit is used up"),
    "billing_hard_limit_reached": (QuotaSpent, "the billing limit is reached"),
    "project_spend_limit_exceeded": (QuotaSpent, "the project's spend limit is reached"),
    "organization_spend_limit_exceeded": (QuotaSpent, "the organization's spend limit is reached"),
    "organization_usage_limit_exceeded": (QuotaSpent, "the organization's usage limit is reached"),
    "rate_limit_exceeded": (Busy, "over the project's rate limit"),
    "slow_down": (Busy, "asked to slow down"),
    "server_is_overloaded": (Busy, "OpenAI is overloaded"),
    "server_error": (Busy, "an error on OpenAI's side"),
    "context_length_exceeded": (ContextTooLong, "the chat is too long for the model"),
    "exceed_context_size_error": (ContextTooLong, "the chat is too long for the model"),  # llama.cpp
    "string_above_max_length": (ContextTooLong, "the chat is too long for the API"),
    "content_policy_violation": (Blocked, "refused by OpenAI's usage policy"),
    "content_filter": (Blocked, "refused by the content filter"),
    "moderation_blocked": (Blocked, "blocked by moderation"),
    "invalid_prompt": (Blocked, "refused by OpenAI's usage policy"),
    "unknown_parameter": (Refused, "a parameter is not known to the server"),
    "unsupported_parameter": (Refused, "a parameter is not supported by the model"),
    "unsupported_value": (Refused, "a parameter's value is not supported by the model"),
    "invalid_request_error": (Refused, "the request was refused"),
}

# What our transport says of a connection that was never made: nothing was sent, so nothing is billed.
UNSENT = (
    "NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "gaierror", "ConnectionRefusedError",
    "SSLCertVerificationError",
)  # fmt: skip
VAGUE = ("invalid_request_error", "server_error")  # types that say less than the status does

# HTTP status, for errors whose code says nothing
STATUSES: dict[int, tuple[type[Problem], str]] = {
    400: (Refused, "the request was refused"),
    401: (KeyUnfit, "the key was refused without a reason: check it, its scope, and the project's IP allowlist"),
    402: (QuotaSpent, "the account has no money left: check the plan and billing"),
    403: (Unavailable, "the project may not do this: check its permissions"),
    404: (Unavailable, "no such model or address: check OPENAI_MODEL and OPENAI_BASE_URL"),
    408: (Busy, "timed out on OpenAI's side"),
    409: (Busy, "a conflict on OpenAI's side"),
    413: (ContextTooLong, "the request is too large"),
    422: (Refused, "the request was refused"),
    429: (Busy, "over the rate limit"),
}

# The SDK's error classes of what has no status, by name: only the client imports openai
CLASSES: dict[str, tuple[type[Problem], str]] = {
    "APITimeoutError": (Busy, "no answer in time"),
    "APIConnectionError": (Busy, "no connection"),
    "APIResponseValidationError": (Broken, "an answer that is not of the API's form"),
    "SubjectTokenProviderError": (KeyUnfit, "OPENAI_IDENTITY_TOKEN_FILE cannot be read or is empty"),
    "OAuthError": (KeyUnfit, "OpenAI exchanged no token: check the identity provider and the service account"),
    "NoToken": (KeyUnfit, "OpenAI's token endpoint gave no token"),
    "APIError": (Broken, "an error without a status"),
    "OpenAIError": (Unavailable, "the SDK could not make the call"),
}


def problem_of_code(code: str, kind: str = "") -> Problem:
    """The problem for an error event in the stream, by its code, else its type; unknown ones are breaks."""
    for name in (code, kind):
        if name in CODES:
            problem = _made(CODES[name], name)
            problem.charged = "input"  # whatever the reason: the stream was open, and the model perhaps at work
            return problem
    return Broken(cause=f"an error event, code {safe(code) or 'none'}")


def problem_of_status(status: int, code: str, kind: str, headers: Mapping[str, str], request_id: str) -> Problem:
    """The problem for an HTTP error status: by its code, else the status, else the type."""
    known = None if code == "invalid_request_error" else CODES.get(code)
    known = known or (None if kind in VAGUE else CODES.get(kind)) or STATUSES.get(status)
    known = known or ((Busy, "an error on OpenAI's side") if status >= 500 else (Unavailable, "an unexpected status"))
    if known[0] is Refused and status >= 500:
        known = (Busy, known[1])
    problem = _made(known, f"{status} {safe(code)} {safe(request_id)}".strip(), wait_told(headers), status)
    # A time-out may stand before a finished answer. What OpenAI itself calls an error it does not bill; the page of a
    # gateway does not tell what was done.
    is_told = status < 500 or bool(kind)
    problem.charged = "all" if status in (408, 504) else "nothing" if is_told else "input"
    return problem


def problem_of_class(error: BaseException) -> Problem:
    """The problem for an SDK error without a status, by the nearest class in its ancestry."""
    for base in type(error).__mro__:
        if base.__name__ in CLASSES:
            said = safe(str(error.__cause__))  # what our transport says: a class name
            problem = _made(CLASSES[base.__name__], f"{type(error).__name__} {said}".strip())
            if said in UNSENT or isinstance(problem, KeyUnfit):
                problem.charged = "nothing"
            return problem
    return Broken(cause=f"unforeseen {type(error).__name__}")


def wait_told(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After (seconds or a date), or by the x-ratelimit bucket that is empty; else None."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1)):
        if re.fullmatch(r"\d+(\.\d+)?", told := headers.get(name, "")):
            return min(float(told) * unit_s, LONGEST_TOLD_S)
    with suppress(ValueError, OverflowError):
        return min(max(0.0, parsedate_to_datetime(told).timestamp() - time.time()), LONGEST_TOLD_S)
    waits = [
        duration_s(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}", "0") == "0"
    ]
    return max((min(wait, LONGEST_TOLD_S) for wait in waits if wait is not None), default=None)


def duration_s(text: str) -> float | None:
    """Seconds of a duration such as 12ms, 1s, 6m0s or 1h2m; None when it is not one."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+", text):
        return None
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h|d)", text))


def _made(known: tuple[type[Problem], str], name: str, wait: float | None = None, status: int = 200) -> Problem:
    """Only a 401 takes a key out of use: elsewhere, or in a stream that is open, its code is a fault like others."""
    kind, cause = known
    if kind is KeyRefused and status != 401:
        kind = Unavailable
    retry_after = (BACK_OFF_S if wait is None else wait) if issubclass(kind, Busy) else None
    problem = kind(cause=f"{cause} ({name})", retry_after=retry_after)
    problem.told_wait = wait is not None
    return problem


def safe(name: str) -> str:
    """Codes and request ids go to the log: short, and of harmless characters only."""
    is_harmless = re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) and "sk-" not in name and not watch.finds(name)
    return name if is_harmless else ""
