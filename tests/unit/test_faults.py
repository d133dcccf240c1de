"""Every way in which OpenAI can fail is mapped once, to words of ours; how long to wait is read from what it says."""

from __future__ import annotations

import inspect
import time
from email.utils import formatdate

import openai
import pytest

from chatbot.errors import Blocked, Broken, Busy, Problem, Unavailable
from chatbot.model.client import _problem
from chatbot.model.faults import (
    CLASSES,
    CODES,
    STATUSES,
    ContextTooLong,
    KeyRefused,
    KeyUnfit,
    QuotaSpent,
    Refused,
    duration_s,
    problem_of_class,
    problem_of_code,
    problem_of_status,
    wait_told,
)
from chatbot.model.members import code_of
from tests.fake_openai_parts.errors import BY_CODE, by_code

# Codes of https://platform.openai.com/docs/guides/error-codes that ask for something of their own.
EXPECTED = {
    "invalid_api_key": Unavailable,
    "missing_scope": Unavailable,
    "ip_not_authorized": Unavailable,
    "unsupported_country_region_territory": Unavailable,
    "model_not_found": Unavailable,
    "rate_limit_exceeded": Busy,
    "slow_down": Busy,
    "insufficient_quota": QuotaSpent,
    "credit_balance_exhausted": QuotaSpent,
    "project_spend_limit_exceeded": QuotaSpent,
    "organization_spend_limit_exceeded": QuotaSpent,
    "organization_usage_limit_exceeded": Unavailable,
    "context_length_exceeded": ContextTooLong,
    "server_is_overloaded": Busy,
    "server_error": Busy,
    "invalid_prompt": Blocked,
    "moderation_blocked": Blocked,
}


# Of parts of the SDK that this app does not use; their nearest mapped ancestor would answer for them.
UNUSED = {
    "APIRemovedInV1", "AgentFilePreparationError", "AgentFileStagingError", "AgentOutputParseError",
    "AgentTurnResultError", "ContentFilterFinishReasonError", "InvalidWebhookSignatureError",
    "LengthFinishReasonError", "MissingDependencyError", "MutuallyExclusiveAuthError", "StreamAlreadyConsumed",
    "WebSocketConnectionClosedError", "WebSocketQueueFullError", "_AmbiguousModuleClientUsageError",
}  # fmt: skip


def sdk_errors() -> list[type[BaseException]]:
    """Every exception that the SDK exports or derives from its own."""
    found = {value for value in list(vars(openai).values()) if inspect.isclass(value) and issubclass(value, Exception)}
    waiting: list[type[BaseException]] = [openai.OpenAIError]
    while waiting:
        kind = waiting.pop()
        if kind.__module__.split(".")[0] == "openai":
            found.add(kind)
        waiting += kind.__subclasses__()
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", sdk_errors(), ids=lambda kind: kind.__name__)
def test_every_error_class_of_the_sdk_is_mapped(kind: type[BaseException]) -> None:
    problem = problem_of_class(kind.__new__(kind))
    if kind.__name__ in UNUSED:
        assert type(problem) in (Unavailable, Broken)
    elif issubclass(kind, openai.APIStatusError) and kind is not openai.OAuthError:
        told = getattr(kind, "status_code", None)
        assert told in STATUSES or kind in (openai.APIStatusError, openai.InternalServerError), "it goes by its status"
    else:
        assert kind.__name__ in CLASSES
        assert type(problem) is CLASSES[kind.__name__][0]


def test_the_walk_finds_the_classes_it_should() -> None:
    names = {kind.__name__ for kind in sdk_errors()}
    assert set(openai.__all__) & {name for name in dir(openai) if name.endswith("Error")} <= names
    assert {"OpenAIError", "APIStatusError", "APITimeoutError", "RateLimitError", "OAuthError"} <= names


@pytest.mark.parametrize(("code", "kind"), EXPECTED.items(), ids=EXPECTED)
def test_every_documented_code_has_its_problem_wherever_it_comes(code: str, kind: type[Problem]) -> None:
    for problem in (problem_of_code(code), problem_of_status(400, code, "invalid_request_error", {}, "")):
        assert isinstance(problem, kind)
        assert not isinstance(problem, Refused), "another form of the request would not help"
    assert CODES[code][1], "the operator is told what it means"


@pytest.mark.parametrize("name", BY_CODE)
def test_every_error_of_the_fake_is_mapped_and_its_words_are_not_used(name: str) -> None:
    error = by_code(name, key="the-key", model="gpt-x")
    problem = problem_of_status(error.status, str(error.code or ""), error.type, {}, "req_1")
    assert type(problem) is not Problem
    said = f"{problem} {problem.members()} {problem.cause}"
    assert error.message not in said
    assert "org-" not in said
    assert "req_1" in problem.cause


@pytest.mark.parametrize(
    "code",
    ["insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "project_spend_limit_exceeded",
     "organization_spend_limit_exceeded", "organization_usage_limit_exceeded", "invalid_api_key", "account_deactivated",
     "missing_scope", "insufficient_permissions", "ip_not_authorized", "ip_not_allowed", "model_not_found",
     "unsupported_country_region_territory"],
)  # fmt: skip
def test_money_keys_and_configuration_are_never_tried_again(code: str) -> None:
    problem = problem_of_status(429, code, "", {"retry-after": "1"}, "")
    assert not problem.retryable
    assert problem.retry_after is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, KeyUnfit), (403, Unavailable), (404, Unavailable), (408, Busy), (413, ContextTooLong),
     (418, Unavailable), (422, Refused), (429, Busy), (500, Busy), (502, Busy), (503, Busy), (529, Busy)],
)  # fmt: skip
def test_an_error_without_a_known_code_goes_by_its_status(status: int, kind: type[Problem]) -> None:
    for code, type_ in (("", ""), ("", "invalid_request_error"), ("brand_new_code", "brand_new_type")):
        assert type(problem_of_status(status, code, type_, {}, "")) is kind


def test_a_vague_type_says_less_than_the_status() -> None:
    assert type(problem_of_status(401, "", "invalid_request_error", {}, "")) is STATUSES[401][0]
    assert type(problem_of_status(429, "", "insufficient_quota", {}, "")) is QuotaSpent
    assert type(problem_of_status(401, "", "invalid_api_key", {}, "")) is KeyRefused


def test_an_unknown_error_event_is_a_break() -> None:
    problem = problem_of_code("brand_new_code", "error")
    assert type(problem) is Broken
    assert "brand_new_code" in problem.cause


@pytest.mark.parametrize(
    "said", ["Incorrect key " + "sk-" + "x" * 20, "s" + "k-proj-abc", "two words", "x" * 65, "line\nbreak", "ключ"]
)
def test_what_is_no_plain_code_does_not_reach_the_log(said: str) -> None:
    for problem in (problem_of_code(said), problem_of_status(500, said, said, {}, said)):
        assert said not in problem.cause


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12ms", 0.012), ("1s", 1), ("6m0s", 360), ("1h2m", 3720), ("1d", 86400), ("1.5s", 1.5), ("0s", 0),
     ("", None), ("soon", None), ("1", None), ("-1s", None), ("1s 2s", None), ("s", None), ("1.2.3s", None),
     ("1s\n", None)],
)  # fmt: skip
def test_a_duration_is_read_or_is_none(text: str, seconds: float | None) -> None:
    assert duration_s(text) == (None if seconds is None else pytest.approx(seconds))


def test_retry_after_is_seconds_or_a_date() -> None:
    assert wait_told({"retry-after": "7"}) == 7
    assert wait_told({"retry-after": "0.5"}) == 0.5
    now = time.time()  # a date has whole seconds
    told = wait_told({"retry-after": formatdate(now + 60, usegmt=True)})
    assert told is not None and 59 - (time.time() - now) <= told <= 60
    assert wait_told({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
    assert wait_told({"retry-after-ms": "1500", "retry-after": "2"}) == 1.5
    for far in ("Wed, 21 Oct 2099 07:28:00 GMT", "9999999", "9" * 400):
        assert wait_told({"retry-after": far}) == 3600


@pytest.mark.parametrize(
    "said", ["", "never", "-1", "1e3", "Mon, 99 Nov 2026", "Mon, 99999999999 Jan 2026 00:00:00 GMT", "\x00"]
)
def test_a_retry_after_that_says_nothing_is_none(said: str) -> None:
    assert wait_told({"retry-after": said}) is None


def test_without_retry_after_the_empty_bucket_tells_the_wait() -> None:
    reset = {"x-ratelimit-reset-requests": "120ms", "x-ratelimit-reset-tokens": "6m0s"}
    full = {"x-ratelimit-remaining-requests": "499", "x-ratelimit-remaining-tokens": "199000"}
    assert wait_told(reset) == 360
    assert wait_told({**reset, **full}) is None
    assert wait_told({**reset, **full, "x-ratelimit-remaining-requests": "0"}) == pytest.approx(0.12)
    assert wait_told({**reset, "retry-after": "2"}) == 2


@pytest.mark.parametrize(("status", "kind"), {401: KeyUnfit, 402: QuotaSpent, 429: Busy, 400: Refused}.items())
def test_a_code_that_says_nothing_leaves_it_to_the_status(status: int, kind: type[Problem]) -> None:
    assert isinstance(problem_of_status(status, "invalid_request_error", "invalid_request_error", {}, ""), kind)


@pytest.mark.parametrize(
    "error",
    [
        {"code": 400, "type": "exceed_context_size_error", "message": "the request exceeds the available context size"},
        {"code": 400, "type": "BadRequestError", "message": "This model's maximum context length is 4096 tokens. ..."},
    ],
    ids=["llama.cpp", "vLLM"],
)
def test_that_a_chat_is_too_long_is_understood_in_other_servers_words(error: dict[str, object]) -> None:
    assert isinstance(problem_of_status(400, *code_of({"error": error}), {}, ""), ContextTooLong)


def test_only_where_waiting_helps_is_a_time_told() -> None:
    told = problem_of_status(429, "rate_limit_exceeded", "", {"retry-after": "9"}, "")
    assert (told.members()["retry_after"], told.told_wait) == (9, True)
    untold = problem_of_status(503, "", "", {}, "")
    assert untold.members()["retry_after"] >= 1
    assert not untold.told_wait
    assert "retry_after" not in problem_of_status(401, "invalid_api_key", "", {"retry-after": "9"}, "").members()


@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"code": None}, {"code": 400}, {"code": ["x"], "type": {}}])
def test_any_body_of_an_error_is_taken(body: object) -> None:
    import httpx2

    request = httpx2.Request("POST", "http://upstream.invalid/v1/responses")
    response = httpx2.Response(500, headers={"x-request-id": "req_7"}, request=request)
    problem = _problem(openai.APIStatusError("their words", response=response, body=body))
    assert type(problem) is Busy
    assert "req_7" in problem.cause
    assert "their words" not in str(problem)


@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
def test_only_a_401_takes_a_key_out_of_use(status: int) -> None:
    assert isinstance(problem_of_status(401, "invalid_api_key", "", {}, ""), KeyRefused)
    assert not isinstance(problem_of_status(status, "invalid_api_key", "invalid_api_key", {}, ""), KeyRefused)
    assert not isinstance(problem_of_code("invalid_api_key", "invalid_api_key"), KeyRefused)
