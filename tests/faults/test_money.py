"""What each fault costs: no less than OpenAI bills for it, nothing where it cannot bill, each attempt for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatbot.money.charge import HIDDEN_TOKENS_PER_S
from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, Fault
from tests.faults.asked import Asked, rows
from tests.faults.conftest import Asking

ALL = [*FAULTS_BEFORE, *FAULTS_DURING]
CASES = [(api, fault) for fault in ALL for api in fault.apis if fault.hint != "timeout"]
SILENCES = [(api, fault) for fault in ALL for api in fault.apis if fault.hint == "timeout"]
# Where a fault says so, by its hint, what each of its attempts is booked by; usage is exact.
BASES = {
    **dict.fromkeys(("key", "config", "model", "rate", "money", "blocked", "refused", "redirect"), "nothing"),
    **dict.fromkeys(("connection", "no_stream"), "reservation"),
    **dict.fromkeys(("ok", "refusal", "length", "filtered"), "usage"),
    **dict.fromkeys(("ok_no_usage", "endless"), "estimate"),
}


def booked(asking: Asking, found: Asked) -> list[dict[str, Any]]:
    return rows(asking.served, "SELECT * FROM ledger WHERE message = ? ORDER BY started_at", found.message["id"])


def billed(asking: Asking, found: Asked) -> int:
    numbers = {call.number for call in found.calls}
    return sum(line.nano_dollars for line in asking.fake.bill().lines if line.number in numbers)


@pytest.mark.parametrize(("api", "fault"), CASES, ids=lambda value: str(value))
def test_every_attempt_at_a_faulty_upstream_is_booked_for_no_less_than_its_bill(
    asked: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    asking = asked(api)
    found = asking.found[str(fault)]
    attempts, bill = booked(asking, found), billed(asking, found)
    assert attempts and sum(row["cost_nano"] for row in attempts) >= bill
    assert {row["request_id"] for row in attempts} <= {None, *(call.request_id for call in found.calls)}
    assert all(row["basis"] == BASES.get(fault.hint, row["basis"]) for row in attempts)
    assert all(row["cost_nano"] == bill for row in attempts if row["basis"] == "usage")
    assert all(row["cost_nano"] == 0 for row in attempts if row["basis"] == "nothing")
    if fault.hint == "upstream" and not any(status in fault.directive for status in ("408", "504")):
        assert len(attempts) == 2
        for row in attempts:  # an error has no output, but for what may be hidden in a silence, on a busy machine
            seconds = (row["ended_at"] - row["started_at"]) / 1000
            assert row["output_tokens"] <= seconds * HIDDEN_TOKENS_PER_S
    if fault.hint != "endless":  # a server that heeds no bound
        assert all(row["cost_nano"] <= row["held_nano"] for row in attempts)


@pytest.mark.parametrize(("api", "fault"), SILENCES, ids=lambda value: str(value))
def test_an_upstream_that_falls_silent_is_booked_for_no_less_than_its_bill(
    silent: Callable[[str], Asking], api: str, fault: Fault
) -> None:
    asking = silent(api)
    found = asking.found[str(fault)]
    attempts = booked(asking, found)
    assert sum(row["cost_nano"] for row in attempts) >= billed(asking, found)
    assert {row["basis"] for row in attempts} == {"estimate" if found.message["text"] else "reservation"}
