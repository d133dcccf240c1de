"""What a load run counts: tokens, times, failures, and the CPU and memory of the processes it watches."""

from __future__ import annotations

import os
import time
from array import array
from collections import Counter
from typing import Any

import psutil

Sample = dict[str, dict[str, float]]


class Tally:
    """Counts only while `open`, except ends and failures. `pids`: the processes to watch, by name.

    Seconds from asking to the first `byte`, to the `first` token and to the end of the `whole` reply.
    """

    def __init__(self, pids: dict[str, int]) -> None:
        self.open = False
        self.tokens = 0
        self.gaps = array("d")
        self.first = array("d")
        self.byte = array("d")
        self.whole = array("d")
        self.ended = 0
        self.peak = 0
        self.failures: Counter[str] = Counter()
        self._pids = pids
        self._before = self._after = self._sample()

    def begin(self) -> None:
        self._before, self.open = self._sample(), True

    def finish(self) -> None:
        self._after, self.open = self._sample(), False

    def result(self, offered: float) -> dict[str, Any]:
        """Times in milliseconds, CPU in cores, memory in bytes; `offered` in tokens per second.

        `others` is the CPU that everything else on the machine took.
        """
        before, after = self._before, self._after
        seconds = max(1e-9, after["load"]["at"] - before["load"]["at"])
        cpu = {name: (after[name]["cpu"] - before[name]["cpu"]) / seconds for name in after}
        return {
            "seconds": seconds,
            "tokens": self.tokens,
            "per_second": self.tokens / seconds,
            "offered": offered,
            "byte": quantiles(self.byte),
            "first": quantiles(self.first),
            "whole": quantiles(self.whole),
            "gap": quantiles(self.gaps),
            "ended": self.ended,
            "failed": sum(self.failures.values()),
            "failures": dict(self.failures.most_common(5)),
            "peak": self.peak,
            "cpu": cpu,
            "others": cpu["machine"] - sum(used for name, used in cpu.items() if name != "machine"),
            "memory": {name: after[name]["memory"] for name in self._pids},
            "memory_before": {name: before[name]["memory"] for name in self._pids},
        }

    def _sample(self) -> Sample:
        everything = psutil.cpu_times()
        busy = everything.user + everything.nice + everything.system
        found = {
            "load": {"cpu": sum(os.times()[:2]), "at": time.monotonic()},
            "machine": {"cpu": busy},
        }
        for name, pid in self._pids.items():
            process = psutil.Process(pid)
            times = process.cpu_times()
            found[name] = {"cpu": times.user + times.system, "memory": float(process.memory_full_info().uss)}
        return found


def quantiles(values: array[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in milliseconds; empty without values."""
    if not values:
        return {}
    ordered = sorted(values)
    pick = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 for name, share in pick.items()}
