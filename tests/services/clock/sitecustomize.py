"""Moves the clock of every process that has this folder on its PYTHONPATH: the file CLOCK_OFFSET holds seconds."""

from __future__ import annotations

import mmap
import os
import struct
import time


def _move() -> None:
    with open(os.environ["CLOCK_OFFSET"], "rb") as file:
        offset = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    real = time.time
    time.time = lambda: real() + struct.unpack("d", offset)[0]


if "CLOCK_OFFSET" in os.environ:
    _move()
