"""What can be done at the desk: pause, resume, change a cap, block and unblock. The audit log keeps each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address

from sqlalchemy import select

from chatbot.db import now_ms, reading, writing
from chatbot.desk.shown import clock
from chatbot.key.shapes import holds_key
from chatbot.money import switches
from chatbot.tables import ledger
from chatbot.visitors import blocks
from chatbot.visitors.who import network_of
from chatbot.web.parts import Parts

BY = "desk"
MOST_DOLLARS = 1_000_000
MOST_CHARS = 200
DOLLARS = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
VISITOR = re.compile(r"[0-9a-f]{32}")
SUBJECT = re.compile(r"(?:visitor|network)/[0-9a-f]{32}")

Typed = Mapping[str, str]


class Mistake(Exception):
    """What was typed into `field` does not do; the words say what would."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field, self.words = field, words


def pause(house: Parts, typed: Typed) -> None:
    stops = "stops_replies" in typed
    switches.pause(house.engine, switches.Pause(_why(typed), BY, now_ms(), stops_replies=stops))


def resume(house: Parts, _typed: Typed) -> None:
    switches.resume(house.engine, BY)


def cap(house: Parts, typed: Typed) -> None:
    """Dollars, or nothing to go by the settings."""
    budget = typed.get("budget", "")
    if budget not in switches.BUDGETS:
        raise Mistake("dollars", "There is no such budget.")
    told = typed.get("dollars", "").strip().removeprefix("$")
    if not told:
        switches.set_cap(house.engine, budget, None, BY)
        return
    if not DOLLARS.fullmatch(told) or Decimal(told) > MOST_DOLLARS:
        raise Mistake("dollars", "Write dollars and cents, such as 5 or 0.50, or nothing for what the settings say.")
    switches.set_cap(house.engine, budget, int(Decimal(told) * 10**9), BY)


def block(house: Parts, typed: Typed) -> None:
    subjects = [_subject(house, typed.get("who", "").strip())]
    until, why = _until(typed.get("until", "")), _why(typed)
    if "network_too" in typed:
        subjects += _networks_of(house, subjects[0])
    with writing(house.engine) as connection:
        for subject in subjects:
            blocks.block(house.engine, subject, why, until)
        names = " and ".join(map(short, subjects))
        switches.note(connection, BY, f"blocked {names} until {clock(until)}: {why}")


def unblock(house: Parts, typed: Typed) -> None:
    subject = typed.get("subject", "")
    if not SUBJECT.fullmatch(subject):
        raise Mistake("subject", "There is no such block.")
    with writing(house.engine) as connection:
        if blocks.unblock(house.engine, subject):
            switches.note(connection, BY, f"unblocked {short(subject)}")


DEEDS: dict[str, tuple[Callable[[Parts, Typed], None], str]] = {
    "pause": (pause, "Paused: nothing more is spent."),
    "resume": (resume, "Resumed: questions are answered again."),
    "cap": (cap, "The cap is changed."),
    "block": (block, "Blocked."),
    "unblock": (unblock, "Unblocked."),
}


def short(subject: str) -> str:
    """A subject as people read it, such as `visitor 1a2b3c4d`."""
    kind, _, id = subject.partition("/")
    return f"{kind} {id[:8]}"


def _subject(house: Parts, who: str) -> str:
    """A visitor by id, or the network of an address, of which only the keyed hash is kept."""
    if VISITOR.fullmatch(who):
        return f"visitor/{who}"
    try:
        ip_address(who)
    except ValueError:
        raise Mistake("who", "Write a visitor's id (32 characters) or an IP address.") from None
    return f"network/{house.signer.digest('network', network_of(who))[:32]}"


def _networks_of(house: Parts, subject: str) -> list[str]:
    """Where the last call of this visitor came from, by the ledger, if it knows."""
    id = subject.removeprefix("visitor/")
    last = select(ledger.c.network).where(ledger.c.visitor == id).order_by(ledger.c.started_at.desc()).limit(1)
    with reading(house.engine) as connection:
        return [f"network/{network}" for network in connection.execute(last).scalars() if network]


def _until(told: str) -> int:
    """Milliseconds of a time in UTC, as an <input type=datetime-local> gives it."""
    try:
        time = datetime.fromisoformat(told)
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter where the year in UTC has no four digits
        raise Mistake("until", "Write a date and a time in UTC, such as 2030-01-31T12:00.") from None
    until = int(time.timestamp() * 1000)
    if until <= now_ms():
        raise Mistake("until", "That time is over. It is meant in UTC.")
    return until


def _why(typed: Typed) -> str:
    why = " ".join("".join(char if char.isprintable() else " " for char in typed.get("why", "")).split())
    if not why or len(why) > MOST_CHARS:
        raise Mistake("why", f"Say why, in up to {MOST_CHARS} characters: the audit log keeps it.")
    if holds_key(why):
        raise Mistake("why", "That holds something like a key. It was not kept.")
    return why
