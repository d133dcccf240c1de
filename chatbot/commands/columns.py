"""Figures in columns, for people: names on the left, numbers on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, each column as wide as it must be."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for name, *numbers in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *cells]).rstrip()


def dollars(nano: int, digits: int = 6) -> str:
    return f"{Decimal(nano) / 10**9:,.{digits}f}"
