"""What is set for all workers and machines at once: the pause, and caps that differ from the settings.

They are read inside the transaction that holds money, so a change counts for the very next call.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, delete, select, text

from chatbot.db import now_ms, reading, writing
from chatbot.tables import audit, switches

PAUSE = "pause"
AUTOMATIC = "automatic pause"  # beside the operator's, which it must not shorten
CAP = "cap "
BUDGETS = ("site/day", "site/month", "visitor/day")
_ALL = select(switches.c.name, switches.c.value)
_SET = text(
    "INSERT INTO switches (name, value, set_by, set_at) VALUES (:name, :value, :by, :now) ON CONFLICT (name)"
    " DO UPDATE SET value = excluded.value, set_by = excluded.set_by, set_at = excluded.set_at"
)


@dataclass(frozen=True)
class Pause:
    """No call is made. `by`: desk, command or automatic; `until`: when it ends by itself, or None (milliseconds).

    `stops_replies`: answers under way are stopped as well.
    """

    why: str
    by: str
    at: int
    until: int | None = None
    stops_replies: bool = False


@dataclass(frozen=True)
class Switches:
    """All of them, as they were read. `caps`: nano-dollars by budget, where the settings do not decide.

    `automatic`: the last pause that the app made by itself, also when it is over.
    """

    pause: Pause | None
    caps: dict[str, int]
    automatic: Pause | None = None


NONE = Switches(None, {})


def read(connection: Connection) -> Switches:
    found = {row.name: row.value for row in connection.execute(_ALL)}
    pauses = {name: Pause(**json.loads(found[name])) for name in (PAUSE, AUTOMATIC) if name in found}
    holding = next((pause for pause in pauses.values() if pause.until is None or pause.until > now_ms()), None)
    caps = {name.removeprefix(CAP): int(value) for name, value in found.items() if name.startswith(CAP)}
    return Switches(holding, caps, pauses.get(AUTOMATIC))


def look(engine: Engine) -> Switches:
    """As `read`, in a transaction of its own."""
    with reading(engine) as connection:
        return read(connection)


def pause(engine: Engine, pause: Pause) -> None:
    """Stop all spending, in every worker and on every machine; the last one to say so is remembered."""
    ends = "" if pause.until is None else " for a while"
    stops = ", answers under way too" if pause.stops_replies else ""
    name, deed = AUTOMATIC if pause.by == "automatic" else PAUSE, f"paused{ends}{stops}: {pause.why}"
    _set(engine, name, json.dumps(asdict(pause)), pause.by, deed)


def resume(engine: Engine, by: str) -> bool:
    """Let calls be made again; False when nothing was paused."""
    with writing(engine) as connection:
        was_paused = read(connection).pause is not None
        connection.execute(delete(switches).where(switches.c.name.in_((PAUSE, AUTOMATIC))))
        if was_paused:
            note(connection, by, "resumed")
    return was_paused


def set_cap(engine: Engine, budget: str, nano: int | None, by: str) -> None:
    """Change one of BUDGETS at once; None gives it back to the settings."""
    if nano is not None:
        _set(engine, CAP + budget, str(nano), by, f"cap of {budget} set to ${nano / 1e9:.2f}")
        return
    with writing(engine) as connection:
        connection.execute(delete(switches).where(switches.c.name == CAP + budget))
        note(connection, by, f"cap of {budget} as in the settings")


def note(connection: Connection, who: str, deed: str) -> None:
    """Write a deed of the operator into the audit log."""
    connection.execute(audit.insert().values(at=now_ms(), who=who, deed=deed))


def _set(engine: Engine, name: str, value: str, by: str, deed: str) -> None:
    with writing(engine) as connection:
        connection.execute(_SET, {"name": name, "value": value, "by": by, "now": now_ms()})
        note(connection, by, deed)
