"""Every fault as data, for parametrised tests: its directive, where it applies, and what it should come to."""

from __future__ import annotations

from dataclasses import dataclass

BOTH = ("responses", "chat")
RESPONSES = ("responses",)
CHAT = ("chat",)


@dataclass(frozen=True)
class Fault:
    """One way to fail, or an oddity that must not fail.

    `hint` is what a careful client makes of it. Before the first byte: `key` (rejected: fail over), `config`, `model`,
    `rate` (wait, retry), `money` (never retry), `too_long`, `blocked`, `refused` (our request is wrong), `upstream`
    (their fault: one retry), `connection` (no answer: one retry), `timeout`, `redirect` (the key must not follow),
    `no_stream` (200, but no reply). In the stream: `ok` (the text is whole), `ok_no_usage`, `refusal`, `length`,
    `filtered`, `interrupted` (text kept, cause unknown), `failed` (said so), `too_long`, `timeout`, `endless`,
    `any` (whole or interrupted).
    """

    directive: str
    apis: tuple[str, ...]
    phase: str
    hint: str

    @property
    def message(self) -> str:
        """A visitor's message that brings it about."""
        return f"Hello [fake: {self.directive}]"

    def __str__(self) -> str:
        return self.directive.replace(" ", "-")


_BEFORE: dict[str, tuple[str, ...]] = {
    "key": ("error invalid_api_key",),
    "config": (
        "error missing_scope",
        "error missing_scope_without_code",
        "error ip_not_authorized",
        "error unsupported_country_region_territory",
        "status 403",
    ),
    "model": ("error no_model_access", "error model_not_found"),
    "rate": (
        "error rate_limit_exceeded",
        "error rate_limit_tokens",
        "error rate_limit_exceeded; retry-after 2",
        "error rate_limit_exceeded; retry-after none; reset 12ms",
        "error rate_limit_exceeded; retry-after none; reset 6m0s",
        "error rate_limit_exceeded; retry-after none; reset soon",
        "error rate_limit_exceeded; retry-after never",
        "error slow_down",
        "status 429",
        "status 429; body html",
    ),
    "money": (
        "error insufficient_quota",
        "error insufficient_quota; retry-after 1",
        "error credit_balance_exhausted",
        "error project_spend_limit_exceeded",
        "error organization_spend_limit_exceeded",
        "error organization_usage_limit_exceeded",
    ),
    "too_long": ("error context_length_exceeded",),
    "blocked": ("error moderation_blocked", "error invalid_prompt"),
    "refused": ("status 400", "status 404", "status 409", "status 422", "status 422; body fastapi"),
    "upstream": (
        "error server_is_overloaded",
        "error server_is_overloaded; retry-after 2",
        "error server_is_overloaded; retry-after none",
        "error server_error",
        "status 408",
        "status 500",
        "status 502; body html",
        "status 503",
        "status 503; body html",
        "status 504; body empty",
        "status 500; body no-error",
        "status 500; body string",
        "status 500; body empty",
        "status 500; body null",
        "status 500; body garbage",
    ),
    "connection": ("reset-connection", "hangup", "half-headers", "not-http"),
    "timeout": ("stall", "stall-first"),
    "redirect": ("redirect",),
    "no_stream": ("not-sse html", "not-sse json", "empty-stream", "comments-only 3"),
}

_DURING: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {
    ("interrupted", BOTH): (
        "cut 0", "cut 5", "cut 9999", "end 0", "end 5", "end 9999", "truncate 5", "garbage 5", "bad-json 5",
        "huge-line 8",
    ),
    ("failed", BOTH): ("failed 0 server_error", "failed 5 server_error", "failed 5 rate_limit_exceeded"),
    ("failed", RESPONSES): (
        "failed 5 invalid_prompt", "failed 5 insufficient_quota", "failed 5 something_new",
        "error-then-failed 0 slow_down",
        "error-then-failed 5 server_error", "error-event 0 flat server_error", "error-event 5 flat server_error",
        "error-event 5 nested rate_limit_exceeded", "error-event 5 string", "completed-as failed",
    ),
    ("failed", CHAT): ("stream-error 0 dict server_error", "stream-error 5 dict rate_limit_exceeded",
                       "stream-error 5 string"),
    ("too_long", BOTH): ("too-long 0", "too-long 5"),
    ("length", BOTH): ("incomplete 5 max_output_tokens",),
    ("filtered", BOTH): ("incomplete 5 content_filter", "incomplete 0 content_filter"),
    ("length", RESPONSES): ("completed-as incomplete",),
    ("refusal", BOTH): ("refusal I can't help with that.",),
    ("ok_no_usage", BOTH): ("no-usage",),
    ("timeout", BOTH): ("hang 0", "hang 5", "stall-created"),
    ("endless", BOTH): ("endless",),
    ("any", BOTH): ("json-scalar 5",),
    ("interrupted", CHAT): ("no-finish; no-done",),
    ("ok", BOTH): (
        "summary First I think. Then I answer.", "reasoning 64", "unknown-events", "double-final",
        "after-final", "surrogates", "raw-utf8", "crlf", "multiline", "comments", "no-space", "one-write", "split 1",
        "split 7; crlf", "raw-utf8; split 1", "split-utf8", "hang 5 0.3", "stall 0.3", "stall-first 0.3",
        "stall-created 0.3", "tokens 0", "cached 3", "cache-write all",
    ),
    ("ok", CHAT): (
        "reasoning-text First I think. Then I answer.", "null-content", "usage-place last-content",
        "usage-place choices",
        "usage-place always", "no-done", "no-finish",
    ),
}  # fmt: skip

FAULTS_BEFORE = [Fault(directive, BOTH, "before", hint) for hint, group in _BEFORE.items() for directive in group]
FAULTS_DURING = [
    Fault(directive, apis, "during", hint) for (hint, apis), group in _DURING.items() for directive in group
]
