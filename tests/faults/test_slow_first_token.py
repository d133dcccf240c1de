"""A model that thinks for a minute before its first token; the last file here, so that the minute passes meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.asked import Asked
from tests.faults.conftest import LATE_S


def test_a_late_first_token_is_waited_for(late_reply: Callable[[], Asked]) -> None:
    found = late_reply()
    assert found.reply.types[-1] == "finish"
    assert found.reply.text == found.calls[-1].text
    assert found.seconds > LATE_S
    assert len([event for event in found.reply.events if event.comment]) >= LATE_S // 10 - 1, "the silence is filled"
    assert len(found.calls) == 1
