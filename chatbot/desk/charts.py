"""Charts as plain geometry: the template draws it as SVG, whose widths are percents and heights pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chatbot.desk.shown import dollars
from chatbot.money.usage import Line

HEIGHT = 120
GAP = 0.25  # of the place that a column has


@dataclass(frozen=True)
class Bar:
    """`x` and `width` in percent of the chart, `y` and `height` in pixels; `label`: what stands beside it."""

    x: float
    width: float
    y: float
    height: float
    label: str
    words: str


@dataclass(frozen=True)
class Chart:
    """`top`: what a bar of full length stands for; `lines`: the table behind the bars."""

    title: str
    top: str
    bars: list[Bar]
    lines: list[Line]


def columns(by: str, lines: Sequence[Line], label: slice, every: int) -> Chart:
    """A bar for each line, from left to right; that piece of its name stands below, at every so many-th one."""
    unit, values, words = _measured(lines)
    most, place = max(values) or 1, 100 / len(lines)
    bars = [
        Bar(
            x=place * (number + GAP / 2),
            width=place * (1 - GAP),
            y=HEIGHT - HEIGHT * value / most,
            height=HEIGHT * value / most,
            label=line.name[label] if number % every == 0 else "",
            words=f"{line.name}: {said}",
        )
        for number, (line, value, said) in enumerate(zip(lines, values, words, strict=True))
    ]
    return Chart(f"{unit} by {by}", words[values.index(max(values))], bars, list(reversed(lines)))


def rows(by: str, lines: Sequence[Line]) -> Chart:
    """A bar for each line, from top to bottom."""
    unit, values, words = _measured(lines)
    most = max(values, default=0) or 1
    bars = [
        Bar(0, 100 * value / most, 0, 0, line.name, said)
        for line, value, said in zip(lines, values, words, strict=True)
    ]
    return Chart(f"{unit} by {by}", words[0] if words else "", bars, list(lines))


def filled(lines: Sequence[Line], first_ms: int, step_ms: int, count: int, form: str) -> list[Line]:
    """These lines, named by times of this form, and one of nothing at each step of the span that has none."""
    known = {line.name: line for line in lines}
    times = (datetime.fromtimestamp((first_ms + step_ms * number) / 1000, UTC) for number in range(count))
    return [known.get(name) or Line(name) for name in (f"{time:{form}}" for time in times)]


def _measured(lines: Sequence[Line]) -> tuple[str, list[int], list[str]]:
    """What is charted: money or, where nothing costs anything, attempts."""
    if any(line.cost_nano for line in lines):
        return "Cost", [line.cost_nano for line in lines], [dollars(line.cost_nano) for line in lines]
    return "Attempts", [line.attempts for line in lines], [f"{line.attempts:,}" for line in lines]
