"""Times each step of what a turn does for its limits and its ledger, in one thread; settings come by the environment.

`python -m bench.steps ROUNDS` prints the median of each in microseconds as JSON. The transactions that a turn opens
anyway, for its question and its answer, are not counted.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from app import create_app
from chatbot import migrate
from chatbot.db import writing
from chatbot.model.events import Usage
from chatbot.money.charge import Attempt
from chatbot.money.hold import Payer
from chatbot.visitors.who import Visitor
from chatbot.web.parts import Parts

INPUT_TOKENS = 300
US = 1e6


def measure(house: Parts, rounds: int) -> dict[str, float]:
    """Microseconds of each step: the median over so many new visitors, each with a message."""
    taken: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        with writing(house.engine):
            who = Visitor(secrets.token_hex(16), "network", is_new=True)
            payer = Payer(who.id, who.network, f"chat-{number:06d}", "answer", house.settings.openai_model)
            with _timed(taken["admit"]):
                house.limits.admit(who)
            with _timed(taken["reserve"]):
                house.ledger.look_in(who.id)
                hold = house.ledger.reserve(payer, INPUT_TOKENS)
        attempt = Attempt("complete", Usage(input=20, output=20), delivered=80, first_ms=1)
        with writing(house.engine), _timed(taken["settle"]):
            house.ledger.settle(hold, attempt)
    return {name: median(seconds) * US for name, seconds in taken.items()}


@contextmanager
def _timed(taken: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    taken.append(time.perf_counter() - began)


if __name__ == "__main__":
    house: Parts = create_app().extensions["turnkey"]
    migrate.prepare(house.engine)
    print(json.dumps(measure(house, int(sys.argv[1]))), flush=True)
