"""SIGHUP: new workers read the settings again, and the old ones finish every reply that they have begun."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any

from gunicorn.errors import HaltServer

from chatbot.errors import SettingsError

LONGEST_REPLY_S = 1800  # as the relay bounds it; gevent must patch the sockets before that is imported

# Shared by the arbiter and every worker: the number of reloads so far (it may wrap), and whether all is to end.
_state = mmap.mmap(-1, 2)


def reload_with_care(arbiter: Any, check: Callable[[], object]) -> None:
    """Let gunicorn's arbiter refuse a reload whose settings do not allow a start, and go on with the old ones."""
    reload, stop, manage_workers = arbiter.reload, arbiter.stop, arbiter.manage_workers
    replaced = -1  # workers of this age and below are on their way out

    def careful_reload() -> None:
        nonlocal replaced
        try:
            check()
        except SettingsError as refused:
            for line in refused.lines:
                arbiter.log.error("Not reloaded, the old settings stay: %s", line)
            return
        _state[0] = (_state[0] + 1) % 256
        replaced = arbiter.worker_age
        reload()
        arbiter.cfg.set("graceful_timeout", arbiter.patience_s)  # which on_reload() put by

    def manage_new_workers() -> None:
        """gunicorn counts those on their way out, too; a new one that has died is to be replaced all the same."""
        new = [worker for worker in list(arbiter.WORKERS.values()) if worker.age > replaced]
        for _ in range(arbiter.num_workers - len(new) if replaced >= 0 else 0):
            arbiter.spawn_worker()
        manage_workers()

    def telling_stop(*args: Any, **kwargs: Any) -> Any:
        """A second worker that could not begin would break off gunicorn's stop, with a traceback, before its end."""
        _state[1] = 1
        while True:
            try:
                return stop(*args, **kwargs)
            except HaltServer:
                continue

    arbiter.reload, arbiter.stop, arbiter.manage_workers = careful_reload, telling_stop, manage_new_workers


def generation() -> int:
    return _state[0]


def is_replaced(since: int) -> bool:
    """Do newer workers serve beside one of this generation, so that it has all the time that its replies need?"""
    return _state[0] != since and not _state[1]
