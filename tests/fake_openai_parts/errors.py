"""OpenAI's errors by code: status, type, words and headers, and the odd bodies that proxies send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

_INVALID = "invalid_request_error"
_QUOTA = "insufficient_quota"
_SCOPES = (
    "You have insufficient permissions for this operation. Missing scopes: api.responses.write. Check that you have "
    "the correct role in your organization and project, and that your restricted API key has the necessary scopes."
)
_RATE = (
    "Rate limit reached for gpt-6-luna in organization {org} on requests per min (RPM): Limit 500, Used 500, "
    "Requested 1. Please try again in 120ms."
)
_WRONG_KEY = (
    "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys."
)
_SERVER = "The server had an error while processing your request. Sorry about that!"
_IDENTITIES = {"org": "org-Fake0000Organisation0000", "project": "proj_Fake0000Project00000000"}


@dataclass(eq=False)
class ApiError(Exception):
    """An answer that is an error: OpenAI's body unless `raw` holds other bytes."""

    status: int
    code: str | int | None
    message: str
    type: str = _INVALID
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json"

    def as_dict(self) -> dict[str, Any]:
        return {"message": self.message, "type": self.type, "param": self.param, "code": self.code}

    def body(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps({"error": self.as_dict()}, indent=2).encode()


# Looked up by the first column; the second is what the answer carries as `code`.
_TABLE: tuple[tuple[str, str | None, int, str, str], ...] = (
    ("invalid_api_key", "invalid_api_key", 401, _INVALID, _WRONG_KEY),
    ("missing_scope", "missing_scope", 401, _INVALID, _SCOPES),
    ("missing_scope_without_code", None, 401, _INVALID, _SCOPES),
    ("ip_not_authorized", "ip_not_authorized", 401, _INVALID, "203.0.113.9 is not in the IP allowlist of {project}."),
    ("unsupported_country_region_territory", "unsupported_country_region_territory", 403, "request_forbidden",
     "Country, region, or territory not supported"),
    ("no_model_access", "model_not_found", 403, _INVALID,
     "Project `{project}` does not have access to model `{model}`"),
    ("model_not_found", "model_not_found", 404, _INVALID,
     "The model `{model}` does not exist or you do not have access to it."),
    ("rate_limit_exceeded", "rate_limit_exceeded", 429, "requests", _RATE),
    ("rate_limit_tokens", "rate_limit_exceeded", 429, "tokens",
     _RATE.replace("requests per min (RPM)", "tokens per min")),
    ("slow_down", "slow_down", 429, "rate_limit_error", "Please reduce your request rate, then raise it gradually."),
    ("insufficient_quota", "insufficient_quota", 429, _QUOTA,
     "You exceeded your current quota, please check your plan and billing details."),
    ("credit_balance_exhausted", "credit_balance_exhausted", 429, _QUOTA, "{org} has no prepaid credits left."),
    ("project_spend_limit_exceeded", "project_spend_limit_exceeded", 429, _QUOTA, "{project} reached its spend limit."),
    ("organization_spend_limit_exceeded", "organization_spend_limit_exceeded", 429, _QUOTA,
     "{org} reached its monthly spend limit."),
    ("organization_usage_limit_exceeded", "organization_usage_limit_exceeded", 429, _QUOTA,
     "{org} reached its approved monthly usage limit."),
    ("context_length_exceeded", "context_length_exceeded", 400, _INVALID,
     "Your input exceeds the context window of this model. Please adjust your input and try again."),
    ("invalid_prompt", "invalid_prompt", 400, _INVALID, "Your prompt was flagged as violating our usage policy."),
    ("moderation_blocked", "moderation_blocked", 400, _INVALID, "Your request was blocked by its moderation policy."),
    ("server_is_overloaded", "server_is_overloaded", 503, "service_unavailable_error",
     "Our servers are currently overloaded. Please try again later."),
    ("server_error", "server_error", 500, "server_error", _SERVER),
)  # fmt: skip
BY_CODE = {name: ApiError(status, code, message, type_) for name, code, status, type_, message in _TABLE}

_BY_STATUS = {
    400: ("We could not parse the JSON body of your request.", _INVALID),
    403: ("You are not allowed to do this.", "request_forbidden"),
    404: ("Invalid URL (POST /v1/nothing)", _INVALID),
    408: ("The request timed out.", "timeout"),
    409: ("The resource was changed by another request.", "conflict"),
    422: ("The request was well formed, but could not be processed.", _INVALID),
    429: ("Too many requests.", "requests"),
    500: (_SERVER, "server_error"),
    502: ("Bad gateway.", "cf_bad_gateway"),
    503: ("The engine is currently overloaded, please try again later.", "server_error"),
    504: ("The gateway timed out.", "server_error"),
}
_HTML = "<html><head><title>{0} Bad Gateway</title></head><body><center><h1>{0}</h1></center></body></html>"
FASTAPI = '{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted"}]}'
BODIES: dict[str, tuple[str, str]] = {
    "html": (_HTML, "text/html"),
    "no-error": ('{"status": {0}, "reason": "no error object here"}', "application/json"),
    "string": ('{"error": "something went wrong"}', "application/json"),
    "fastapi": (FASTAPI, "application/json"),
    "null": ("null", "application/json"),
    "garbage": ('{"error": {"message": "cut he', "application/json"),
    "empty": ("", "text/plain"),
}
"""Bodies of errors that are not OpenAI's: by kind, the text and its media type."""


def by_code(code: str, **words: str) -> ApiError:
    """The error called `code`, with `{key}` and `{model}` filled in."""
    known = BY_CODE.get(code) or ApiError(400, code, f"An error called {code}.")
    message = known.message
    for name, word in {**_IDENTITIES, **words}.items():
        message = message.replace("{" + name + "}", word)
    return ApiError(known.status, known.code, message, known.type, known.param)


def by_status(status: int, body: str = "") -> ApiError:
    """A plain error of that status, with OpenAI's body or one of `BODIES`."""
    message, type_ = _BY_STATUS.get(status, (f"Status {status}.", "server_error"))
    if not body:
        return ApiError(status, None, message, type_)
    text, media_type = BODIES[body]
    raw = text.replace("{0}", str(status)).encode()
    return ApiError(status, None, message, type_, raw=raw, media_type=media_type)


def masked(key: str) -> str:
    """A key as OpenAI quotes it: the ends of a long one, a short one whole."""
    return key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"
