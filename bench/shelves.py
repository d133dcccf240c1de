"""Times pages of a long history and searches in it, in one process, by the API; settings come by the environment.

`python -m bench.shelves CHATS MANY ROUNDS` prints milliseconds as JSON: of a visitor with so many chats of 20 messages,
beside another who has as many, and of the lists of visitors with 100 chats and with MANY.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from app import create_app
from chatbot import migrate
from chatbot.visitors.who import COOKIE
from chatbot.web.parts import Parts
from tests.history_rows import DENSE, EVERYWHERE, NOWHERE, PREFIX, RARE, fill

MESSAGES = 20  # of a chat
FEW = 100
MS = 1e3
SEARCHES = {
    "a word that is everywhere": f"{EVERYWHERE} ",
    "a rare word": f"{RARE} ",
    "the beginning of a word": PREFIX,
    "two letters": "ev",
    "two words that are everywhere": f"{EVERYWHERE} chat ",
    "a rare word and one that is everywhere": f"{RARE} {EVERYWHERE} ",
    "part of a Japanese sentence": DENSE,
    "nothing": f"{NOWHERE} ",
}
Call = Callable[[], object]


def measure(chats: int, many: int, rounds: int) -> dict[str, Any]:
    """`searches`: by what is sought; `list`: of that visitor, of one with FEW chats and of one with many."""
    app = create_app()
    house: Parts = app.extensions["turnkey"]
    migrate.prepare(house.engine)
    house._started.set()  # no chores meanwhile
    for visitor, count, each in (("a", chats, MESSAGES), ("b", chats, MESSAGES), ("f", FEW, 0), ("m", many, 0)):
        fill(house.engine, visitor * 32, count, each)
    searcher, few, lister = (_client(house, app.test_client(), visitor * 32) for visitor in "afm")
    middle = _ask(lister, before=_ask(lister)["chats"][0]["updated_at"] - many // 2 * 1000)["before"]
    lists: dict[str, Call] = {
        f"page of {chats:,} chats": lambda: _ask(searcher),
        f"page of {FEW:,} chats": lambda: _ask(few),
        f"page of {many:,} chats": lambda: _ask(lister),
        f"page in the middle of {many:,}": lambda: _ask(lister, before=middle),
    }
    searches: dict[str, Call] = {
        title: lambda query=query: _ask(searcher, q=query) for title, query in SEARCHES.items()
    }
    counts = {title: len(_ask(searcher, q=query)["chats"]) for title, query in SEARCHES.items()}
    return {"found": counts, "lists": _times(lists, rounds), "searches": _times(searches, rounds)}


def _client(house: Parts, client: FlaskClient, visitor: str) -> FlaskClient:
    client.set_cookie(COOKIE, house.signer.sign(visitor))
    return client


def _ask(client: FlaskClient, **query: Any) -> dict[str, Any]:
    response = client.get("/api/chats", query_string=query)
    if response.status_code != 200:
        raise RuntimeError(response.text)
    return dict(response.json or {})


def _times(calls: dict[str, Call], rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds p50 and p95 of each, called in turns: what else the machine does is shared by all."""
    taken: dict[str, list[float]] = {title: [] for title in calls}
    for _ in range(rounds):
        for title, call in calls.items():
            began = time.perf_counter()
            call()
            taken[title].append((time.perf_counter() - began) * MS)
    ordered = {title: sorted(times) for title, times in taken.items()}
    return {title: {"p50": times[rounds // 2], "p95": times[rounds * 95 // 100]} for title, times in ordered.items()}


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))), flush=True)
