"""One attack on one app: how it went, what it cost, and what that means, in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.exercises import Exercise
from lab.stage import App, Stage
from lab.verdict import FAILED, WORKED

DAY_S, LOG_LINES = 86_400, 20
LEAST = 0.0001  # dollars worth telling
OUTCOMES = {WORKED: "worked", FAILED: "failed"}


@dataclass(frozen=True)
class Trial:
    """`outcome` is `worked`, `failed`, or `could not be made`."""

    outcome: str
    output: list[str]
    dollars: float
    seconds: float

    @property
    def bill(self) -> str:
        """` OpenAI's bill: $0.0101 in 1.2 s, $727 a day at this rate.`, or nothing where there is none."""
        rate = f", ${self.dollars / self.seconds * DAY_S:,.0f} a day at this rate" if self.outcome == "worked" else ""
        return f" OpenAI's bill: ${self.dollars:.4f} in {self.seconds:.1f} s{rate}." if self.dollars >= LEAST else ""


def try_on(stage: Stage, exercise: Exercise, app: App, say: Callable[[str], None] = lambda line: None) -> Trial:
    """Attack the app, and say each line of the attack's output as it comes."""
    began, output = time.monotonic(), []
    with stage.attack(exercise, app) as attack:
        for line in attack.stdout or ():
            output.append(line.rstrip("\n"))
            say(output[-1])
    outcome = OUTCOMES.get(attack.returncode, "could not be made")
    if attack.returncode == 1 and "Traceback (most recent call last):" in output:
        outcome = "could not be made"  # a script that breaks exits as one that failed
    if outcome == "could not be made":
        output += [f"the app's log: {line}" for line in app.log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]]
    return Trial(outcome, output, stage.bill(), time.monotonic() - began)
