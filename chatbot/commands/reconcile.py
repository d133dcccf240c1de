"""`flask usage --reconcile`: does OpenAI charge more than this app has used? Then somebody else has a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from chatbot.commands.columns import columns, dollars
from chatbot.commands.tables import tables
from chatbot.config import read_file
from chatbot.errors import Problem, SettingsError
from chatbot.key.admin import PAGE, AdminKey
from chatbot.key.source import is_open_to_others
from chatbot.model import costs
from chatbot.model.client import Client
from chatbot.model.transport import Urllib3Transport
from chatbot.money import usage
from chatbot.web.parts import Parts

MARGIN = 0.05  # of what was used here, for what the two count differently
LEAST_NANO = 10_000_000


@dataclass(frozen=True)
class Row:
    """What one day, or all of them, cost in nano-dollars: there by OpenAI's report, here by the ledger."""

    name: str
    there: int
    here: int

    @property
    def more(self) -> int:
        return self.there - self.here

    @property
    def is_too_much(self) -> bool:
        return self.more > max(self.here * MARGIN, LEAST_NANO)


def reconcile(house: Parts, key_file: Path | None, days: int, with_today: bool, key_ids: Sequence[str]) -> bool:
    """Print the comparison; False, and an alert, when OpenAI's report has more by more than the margin.

    Raises SettingsError when it cannot be made.
    """
    admin = AdminKey(_admin_key(key_file), house.settings)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = [midnight - timedelta(days=number - int(with_today)) for number in range(days, 0, -1)]
    since, until = wanted[0], wanted[-1] + timedelta(days=1)
    report = _report(house, admin, since, until)
    span = (int(since.timestamp() * 1000), int(until.timestamp() * 1000))
    with tables(house.engine) as engine:
        here = {line.name: line.cost_nano for line in usage.by_day(engine, *span)}
        keys = usage.by_key(engine, *span)
        began = [line.name for line in usage.by_day(engine, 0)[:1]]
    there: Counter[str] = Counter()
    for (day, key), nano in report.items():
        there[day] += nano if not key_ids or key in key_ids else 0
    names = [f"{day:%Y-%m-%d}" for day in wanted]
    rows = [Row(name, there[name], here.get(name, 0)) for name in names]
    rows.append(Row("total", sum(row.there for row in rows), sum(row.here for row in rows)))
    _print_rows(rows, key_ids, with_today)
    _print_keys(report, keys, key_ids)
    if not any(row.is_too_much for row in rows):
        click.echo("ok    OpenAI charges no more than this app has used.")
        return True
    worst = max((row for row in rows if row.is_too_much), key=lambda row: row.more)
    _tell(house, worst, f"{names[0]} to {names[-1]}" if worst.name == "total" else worst.name)
    if not key_ids:
        click.echo("      If other programs have keys of the organization, name this app's own with --key-id.")
    if began and began[0] > names[0]:
        click.echo(f"      The ledger begins on {began[0]}: what this app used before that is not in it.")
    return False


def _admin_key(path: Path | None) -> str:
    """From the file, or typed: an argument or a variable could be seen by others, and the shell would keep it."""
    if path is None:
        try:
            return str(click.prompt(f"Admin key, from {PAGE} (it is neither shown nor kept)", hide_input=True)).strip()
        except click.Abort:  # whose exit code would say that OpenAI charges more
            raise click.UsageError("nobody gave the admin key: name its file by --admin-key-file.") from None
    if is_open_to_others(path):
        click.echo("note  Other users can read the file of the admin key: chmod 400, or remove it.", err=True)
    try:
        return read_file("--admin-key-file", path)
    except SettingsError:
        raise click.UsageError("--admin-key-file must name a file that you can read.") from None


def _report(house: Parts, admin: AdminKey, since: datetime, until: datetime) -> costs.Spent:
    url = house.settings.openai_base_url
    client = Client(url, "responses", house.ring, Urllib3Transport(url))  # the house's own may be the tutor's
    try:
        return costs.spent(client, admin, since, until)
    except Problem as problem:
        why = f"OpenAI gives no cost report: {problem.cause}"
        raise SettingsError([f"{why}. It takes an admin key that may read usage: {PAGE}"]) from None


def _print_rows(rows: list[Row], key_ids: Sequence[str], with_today: bool) -> None:
    today = (
        "Today is not over, and OpenAI's report lags behind it." if with_today else "Today is left out: it is not over."
    )
    chosen = f"Of OpenAI's keys {', '.join(key_ids)} alone" if key_ids else "All of the organization's keys"
    click.echo(f"OpenAI's cost report against this app's ledger, in dollars, by days in UTC. {today}")
    click.echo(
        f"{chosen} against all that this app used: the ledger knows a key by its fingerprint, OpenAI by its id.\n"
    )
    cells = [[row.name, *map(dollars, (row.there, row.here, row.more)), "<" * row.is_too_much] for row in rows]
    for line in columns(("day", "OpenAI", "this app", "more there", ""), cells):
        click.echo(line)


def _print_keys(report: costs.Spent, keys: list[usage.Line], key_ids: Sequence[str]) -> None:
    there: Counter[str] = Counter(dict.fromkeys(key_ids, 0))
    for (_, key), nano in report.items():
        there[key] += nano
    named = [[key, dollars(nano), "" if not key_ids or key in key_ids else "left out"] for key, nano in there.items()]
    click.echo()
    for line in columns(("OpenAI's key", "OpenAI", ""), named):
        click.echo(line)
    click.echo()
    for line in columns(("this app's key", "this app"), [[key.name, dollars(key.cost_nano)] for key in keys]):
        click.echo(line)
    click.echo()


def _tell(house: Parts, worst: Row, when: str) -> None:
    more, there, here = (dollars(nano, 4) for nano in (worst.more, worst.there, worst.here))
    words = f"OpenAI charges ${more} more than this app has used ({when}: ${there} there, ${here} here)"
    click.echo(f"WRONG {words}. Somebody else may have a key. Fix: flask drill --real, docs/guide/if-it-leaks.md")
    house.alarms.raise_alarm("leak", "cost report", f"{words}: somebody else may have a key")
