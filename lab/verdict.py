"""How an attack ends: it worked, it failed, or it never got to the point where it could have done either."""

from __future__ import annotations

import sys
from typing import NoReturn

WORKED, FAILED, NOT_MADE = 0, 1, 2


def worked(words: str) -> NoReturn:
    print(words)
    sys.exit(WORKED)


def failed(words: str) -> NoReturn:
    print(words)
    sys.exit(FAILED)


def not_made(words: str) -> NoReturn:
    """An attack that meets a broken target must not look like one that was stopped."""
    print(words)
    sys.exit(NOT_MADE)
