"""The arbiter's end, where gunicorn itself would break it off."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from gunicorn.errors import HaltServer

from chatbot import reload


def test_workers_that_cannot_begin_do_not_break_off_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "_state", bytearray(2))
    failing, stops = [1, 2], []

    def stop(graceful: bool) -> None:
        stops.append(graceful)
        if failing:
            raise HaltServer("App failed to load.", failing.pop())

    arbiter = SimpleNamespace(reload=None, stop=stop, manage_workers=None)
    reload.reload_with_care(arbiter, lambda: None)
    arbiter.stop(False)
    assert stops == [False] * 3 and not failing
