"""An upstream that fails, or is odd, after its first event: what came is kept, and the end is told for what it is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.fake_openai import FAULTS_DURING, Fault
from tests.faults.asked import assert_nothing_leaks, shown
from tests.faults.conftest import APIS, Asking

GOOD = ("ok", "ok_no_usage", "refusal", "length", "filtered", "endless")
CASES = [(api, fault) for fault in FAULTS_DURING for api in fault.apis if fault.hint != "timeout"]
WHOLE = [(api, fault) for api, fault in CASES if fault.hint in GOOD]
DAMAGED = [(api, fault) for api, fault in CASES if fault.hint not in GOOD]
BILLED = [case for case in WHOLE if case[1].hint != "endless"]
SILENCES = [(api, fault) for fault in FAULTS_DURING for api in fault.apis if fault.hint == "timeout"]
CODES = {
    "server_error": "busy",
    "rate_limit_exceeded": "busy",
    "slow_down": "busy",
    "invalid_prompt": "blocked",
    "insufficient_quota": "unavailable",
}
REASONS = {"length": "length", "endless": "length", "filtered": "content-filter"}


def code_of(fault: Fault) -> str:
    """The code that a damaged stream ends with: by the upstream's own where it gives one."""
    if fault.hint == "too_long":
        return "too_long"
    if str(fault) == "completed-as-failed":
        return "busy"
    return CODES.get(fault.directive.split()[-1], "broken")


@pytest.mark.parametrize(("api", "fault"), DAMAGED, ids=lambda value: str(value))
def test_a_damaged_stream_ends_in_an_error_and_keeps_its_text(
    asked: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    asking = asked(api)
    found = asking.found[str(fault)]
    assert found.problem["code"] == code_of(fault)
    assert found.message["status"] == "failed"
    assert json.loads(found.message["problem"]) == found.problem
    assert_nothing_leaks(shown(found), asking.fake)
    if found.in_band:
        assert found.reply.types[-2:] == ["data-problem", "error"]
        assert found.reply.is_done
        assert found.reply.chunk("data-problem")["transient"] is True
        assert found.reply.chunk("error")["errorText"] == found.problem["detail"]
        assert found.reply.types.count("text-start") == found.reply.types.count("text-end")
    else:
        assert not found.calls[-1].text, "with text there is a stream"
    sent = found.calls[-1].text
    assert found.reply.text == found.message["text"]
    assert found.reply.text == (sent if fault.hint != "any" else sent[: len(found.reply.text)])
    assert found.reply.text or not sent
    assert len(found.calls) == 1 or (not sent and len(found.calls) == 2 and code_of(fault) == "busy")


@pytest.mark.parametrize(("api", "fault"), WHOLE, ids=lambda value: str(value))
def test_an_odd_stream_gives_its_whole_text_and_finishes(
    asked: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    found = asked(api).found[str(fault)]
    call = found.calls[-1]
    assert found.reply.status == 200
    assert found.reply.types[-1] == "finish"
    assert found.reply.is_done
    assert found.message["status"] == "complete"
    assert found.message["text"] == found.reply.text
    expected = REASONS.get(fault.hint, "other" if str(fault) == "no-finish" else "stop")
    assert found.reply.chunk("finish")["finishReason"] == found.message["finish_reason"] == expected
    assert len(found.calls) == 1
    if fault.hint == "endless":
        assert call.text.startswith(found.reply.text[:1000])
    else:
        assert found.reply.text == call.text
        assert found.reply.reasoning == call.thoughts


@pytest.mark.parametrize(("api", "fault"), BILLED, ids=lambda value: str(value))
def test_usage_and_cost_are_what_the_upstream_bills(asked: Callable[[str], Asking], api: str, fault: Fault) -> None:
    asking = asked(api)
    found = asking.found[str(fault)]
    told = found.reply.chunk("finish")["messageMetadata"]
    used = found.calls[-1].usage
    if fault.hint == "ok_no_usage":
        assert (told["usage"], found.message["input_tokens"]) == (None, None)
        billed = next(line for line in asking.fake.bill().lines if line.number == found.calls[-1].number)
        assert found.message["cost_nano"] >= billed.nano_dollars, "a rule that errs upwards"
        return
    counted = {"inputTokens": used.input, "cachedInputTokens": used.cached, "outputTokens": used.output,
               "reasoningTokens": used.reasoning}  # fmt: skip
    assert told["usage"] == counted
    stored = [found.message[f"{kind}_tokens"] for kind in ("input", "cached", "output", "reasoning")]
    assert stored == list(counted.values())
    billed = next(line for line in asking.fake.bill().lines if line.number == found.calls[-1].number)
    assert found.message["cost_nano"] == billed.nano_dollars
    assert told["cost"] == pytest.approx(billed.nano_dollars / 1e9)


@pytest.mark.parametrize("api", APIS)
def test_two_halves_of_an_emoji_come_as_one(asked: Callable[[str], Asking], api: str) -> None:
    found = asked(api).found["surrogates"]
    assert found.reply.text == "Look: 😀 and 🎉 end."
    assert [event.id for event in found.reply.events if event.id][-1] == str(len("Look: 😀 and 🎉 end."))


@pytest.mark.parametrize("api", APIS)
def test_an_endless_answer_is_cut_off_at_the_bound_and_its_connection_closed(
    asked: Callable[[str], Asking], api: str
) -> None:
    asking = asked(api)
    found = asking.found["endless"]
    assert 256 * 4 < len(found.reply.text) < 400_000
    assert asking.fake.wait(lambda: found.calls[-1].closed_at)


@pytest.mark.parametrize(("api", "fault"), SILENCES, ids=lambda value: str(value))
def test_a_stream_that_falls_silent_is_given_up_with_its_text_kept(
    silent: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    asking = silent(api)
    found = asking.found[str(fault)]
    sent = found.calls[-1].text
    assert bool(sent) == (str(fault) == "hang-5")
    assert found.reply.text == found.message["text"] == sent
    assert (found.in_band, found.problem["code"], found.message["status"]) == (True, "broken", "failed")
    assert len(found.calls) == 1
    assert asking.fake.wait(lambda: found.calls[-1].closed_at)
