"""Moves the clock of every process that has this folder on its PYTHONPATH, or stops it: as the file CLOCK says."""

from __future__ import annotations

import mmap
import os
import struct
import time


def _move() -> None:
    with open(os.environ["CLOCK"], "rb") as file:
        told = mmap.mmap(file.fileno(), 16, prot=mmap.PROT_READ)
    real = time.time

    def now() -> float:
        offset, stopped_at = struct.unpack("dd", told)
        return stopped_at or real() + offset

    time.time = now


if "CLOCK" in os.environ:
    _move()
