"""`flask pause` and `flask resume`: stop all spending at once, and let it go on."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from chatbot.commands.tables import tables
from chatbot.db import now_ms
from chatbot.key.redact import redact
from chatbot.model.faults import duration_s
from chatbot.money import switches
from chatbot.money.switches import Pause
from chatbot.web.parts import parts

LONGEST_S = 366 * 86_400
BY = "command"


def _duration(context: click.Context, option: click.Parameter, given: str | None) -> float | None:
    seconds = None if given is None else duration_s(given.strip())
    if given is not None and (seconds is None or not 1 <= seconds <= LONGEST_S):
        raise click.BadParameter("It must be a time such as 90s, 30m, 2h or 1h30m, of a year at most.")
    return seconds


def _reason(context: click.Context, option: click.Parameter, given: str) -> str:
    reason = redact(" ".join(given.split()))
    if not reason:
        raise click.BadParameter("Say why: it is what you and others will read when they wonder.")
    return reason


@click.command("pause")
@click.option("--why", required=True, callback=_reason, help="The reason, for the desk and the audit log.")
@click.option("--now", is_flag=True, help="Stop the answers under way, too.")
@click.option("--for", "seconds", callback=_duration, metavar="DURATION", help="End it by itself, such as after 2h.")
@with_appcontext
def pause(why: str, now: bool, seconds: float | None) -> None:
    """Make no more calls to the model, in all workers and on all machines, within a second."""
    begun = now_ms()
    until = None if seconds is None else begun + int(seconds * 1000)
    with tables(parts().engine) as engine:
        before = switches.look(engine).pause
        switches.pause(engine, Pause(why, BY, begun, until, now))
    if before:
        click.echo(f"This takes the place of a pause {_told(before)}.")
    ends = "`flask resume`" if until is None else f"{_time(until)}, or `flask resume` before that"
    click.echo(f"Paused until {ends}. All workers and machines that share this database obey within a second.")
    click.echo(
        "Answers under way are stopped; what they have used is paid for."
        if now
        else "Answers under way are written to their end; --now would stop them."
    )


@click.command("resume")
@with_appcontext
def resume() -> None:
    """Let calls be made again."""
    with tables(parts().engine) as engine:
        before = switches.look(engine).pause
        was_paused = switches.resume(engine, BY)
    if was_paused and before:
        click.echo(f"Resumed: calls are made again. The pause was {_told(before)}.")
    else:
        click.echo("Nothing was paused.")


def _told(pause: Pause) -> str:
    return f"set at {_time(pause.at)} by {pause.by}: {pause.why}"


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
