"""An upstream that fails before its first event: the visitor gets the true status, the operator the cause."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.fake_openai import FAULTS_BEFORE, Fault
from tests.faults.asked import assert_nothing_leaks, shown
from tests.faults.conftest import APIS, Asking

CASES = [(api, fault) for fault in FAULTS_BEFORE for api in fault.apis if fault.hint != "timeout"]
SILENCES = [(api, fault) for fault in FAULTS_BEFORE for api in fault.apis if fault.hint == "timeout"]
# hint -> status, code
EXPECTED = {
    "key": (503, "unavailable"),
    "config": (503, "unavailable"),
    "model": (503, "unavailable"),
    "rate": (503, "busy"),
    "money": (503, "unavailable"),
    "too_long": (413, "too_long"),
    "blocked": (422, "blocked"),
    "refused": (503, "unavailable"),
    "upstream": (503, "busy"),
    "connection": (503, "busy"),
    "redirect": (503, "unavailable"),
    "no_stream": (503, "broken"),
}
ODD = {  # the status or the headers say another thing than what they are there for
    "status-409": (503, "busy"),
    "half-headers": (503, "broken"),
}
FORMS = {"responses": 2, "chat": 3}  # of a request, until one is taken by a server that is not OpenAI's
REFUSED_FORM = ("status-400", "status-422", "status-422;-body-fastapi")


def attempts(api: str, fault: Fault) -> int:
    """How often a fault that stays is met: one retry where that helps, another form where the form may be at fault."""
    if str(fault) in REFUSED_FORM:
        return FORMS[api]
    return 2 if ODD.get(str(fault), EXPECTED[fault.hint])[1] == "busy" else 1


@pytest.mark.parametrize(("api", "fault"), CASES, ids=lambda value: str(value))
def test_a_fault_before_the_first_byte_has_its_status_its_code_and_its_attempts(
    asked: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    asking = asked(api)
    found = asking.found[str(fault)]
    status, code = ODD.get(str(fault), EXPECTED[fault.hint])
    problem = found.reply.problem
    assert (found.reply.status, problem.get("code")) == (status, code)
    assert found.reply.headers.get_content_type() == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert len(found.calls) == attempts(api, fault)
    waits = code == "busy"
    assert ("retry_after" in problem) == waits
    assert found.reply.headers["Retry-After"] == (str(problem["retry_after"]) if waits else None)
    assert_nothing_leaks(shown(found), asking.fake)


@pytest.mark.parametrize(("api", "fault"), CASES, ids=lambda value: str(value))
def test_a_failed_answer_is_stored_as_failed_with_its_problem(
    asked: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    asking = asked(api)
    found = asking.found[str(fault)]
    assert (found.message["status"], found.message["text"]) == ("failed", "")
    assert json.loads(found.message["problem"]) == found.reply.problem
    if found.calls[-1].status not in (None, 307):
        assert found.message["request_id"] in ("", found.calls[-1].request_id)


@pytest.mark.parametrize("api", APIS)
def test_the_time_that_the_upstream_asks_for_is_passed_on(asked: Callable[[str], Asking], api: str) -> None:
    found = asked(api).found
    assert found["error-rate_limit_exceeded;-retry-after-2"].reply.headers["Retry-After"] == "2"
    assert found["error-rate_limit_exceeded;-retry-after-2"].seconds >= 2, "the retry waits as long as it was told to"
    assert found["error-rate_limit_exceeded"].reply.headers["Retry-After"] == "1"
    assert int(found["error-rate_limit_exceeded;-retry-after-never"].reply.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("api", APIS)
def test_the_key_does_not_follow_a_redirect(asked: Callable[[str], Asking], api: str) -> None:
    asking = asked(api)
    assert asking.found["redirect"].calls
    assert not [call for call in asking.fake.requests if call.headers["host"].startswith("localhost")]


@pytest.mark.parametrize("api", APIS)
def test_the_log_names_each_cause_and_holds_no_word_of_the_upstream(asked: Callable[[str], Asking], api: str) -> None:
    asking = asked(api)
    log = asking.served.log
    assert_nothing_leaks(log, asking.fake)
    assert "Traceback" not in log
    for code in ("invalid_api_key", "missing_scope", "insufficient_quota", "model_not_found", "ip_not_authorized"):
        assert code in log
    quota = asking.found["error-insufficient_quota"].calls[0]
    assert quota.request_id in log, "the operator can find the call at OpenAI's"


@pytest.mark.parametrize(("api", "fault"), SILENCES, ids=lambda value: str(value))
def test_an_upstream_that_never_answers_is_given_up(silent: Callable[[str], Asking], api: str, fault: Fault) -> None:
    asking = silent(api)
    found = asking.found[str(fault)]
    expected = ("busy", 2) if str(fault) == "stall" else ("broken", 1)
    assert found.reply.status == 503
    assert (found.problem["code"], len(found.calls)) == expected
    assert found.message["status"] == "failed"
    assert asking.fake.wait(lambda: all(call.closed_at for call in found.calls)), "the connection is let go"
