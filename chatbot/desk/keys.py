"""How the keys fare, each by its fingerprint: its place, age, and the last calls that went well and badly with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select

from chatbot.db import reading
from chatbot.key import record
from chatbot.money.usage import GOOD
from chatbot.tables import ledger
from chatbot.web.parts import Parts

LOOKED_AT = 500  # of a key's last calls
MOST_PAST = 5  # keys that are no longer in place


class Call(NamedTuple):
    outcome: str
    ended_at: int


@dataclass(frozen=True)
class KeyState:
    """`place`: in use, standing by or replaced. `success`, `failure`: the last such call."""

    fingerprint: str
    source: str
    place: str
    first_seen_at: int | None
    refused_at: int | None
    success: Call | None
    failure: Call | None


def states(house: Parts) -> list[KeyState]:
    """Those in place, the first one first, then the last ones that were."""
    known = record.known(house.engine)
    in_place = {each.fingerprint: each.source for each in house.ring.credentials}
    past = sorted(known.keys() - in_place, key=lambda each: known[each].first_seen_at, reverse=True)[:MOST_PAST]
    used = next((each for each in in_place if each not in known or known[each].refused_at is None), None)
    found = []
    for fingerprint in [*in_place, *past]:
        row = known.get(fingerprint)
        place = "replaced" if fingerprint not in in_place else "in use" if fingerprint == used else "standing by"
        source = in_place.get(fingerprint) or known[fingerprint].source
        first_seen_at, refused_at = (row.first_seen_at, row.refused_at) if row else (None, None)
        success, failure = _last_calls(house, fingerprint)
        found.append(KeyState(fingerprint, source, place, first_seen_at, refused_at, success, failure))
    return found


def _last_calls(house: Parts, fingerprint: str) -> tuple[Call | None, Call | None]:
    """The last success and the last failure among the key's last calls."""
    calls = select(ledger.c.outcome, ledger.c.ended_at).where(ledger.c.key_fingerprint == fingerprint)
    with reading(house.engine) as connection:
        rows = connection.execute(calls.order_by(ledger.c.started_at.desc()).limit(LOOKED_AT))
        last = [Call(*row) for row in rows]
    success = next((call for call in last if call.outcome in GOOD), None)
    return success, next((call for call in last if call.outcome not in GOOD), None)
