"""`flask usage`: what was used and spent, against the caps, by whatever one asks for; and whether OpenAI agrees."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import Engine

from chatbot.commands.columns import columns, dollars
from chatbot.commands.reconcile import reconcile
from chatbot.commands.tables import tables
from chatbot.db import DAY_MS, now_ms
from chatbot.model.costs import MOST_DAYS
from chatbot.money import usage as sums
from chatbot.money.budgets import Balance
from chatbot.money.usage import Line
from chatbot.web.parts import Parts, parts

BY: dict[str, Callable[[Engine, int], list[Line]]] = {
    "total": lambda engine, since: [sums.total(engine, since)],
    "model": sums.by_model,
    "visitor": sums.by_visitor,
    "hour": sums.by_hour,
    "day": sums.by_day,
    "key": sums.by_key,
    "outcome": sums.by_outcome,
}
TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M"]
HEAD = ("attempts", "failed", "tokens in", "cached", "tokens out", "dollars", "ms to first text")


@dataclass(frozen=True)
class Span:
    """What was used in one span of time. `balance`: how the budget of that span stands, if it has one."""

    name: str
    by: str
    lines: list[Line]
    balance: Balance | None = None


@click.command("usage")
@click.option("--by", type=click.Choice(list(BY)), help="One line for each of these, instead of an overview.")
@click.option("--since", type=click.DateTime(TIMES), metavar="DATE", help="In UTC; else the first of this month.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), help="A table, unless told otherwise.")
@click.option("--reconcile", "asks_openai", is_flag=True, help="Compare the ledger with OpenAI's own cost report.")
@click.option("--admin-key-file", type=click.Path(path_type=Path), help="Holds the admin key, else asked for.")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), help="How many to compare; 7 unless told otherwise.")
@click.option("--today", is_flag=True, help="Compare today as well, as far as OpenAI has it.")
@click.option("--key-id", "key_ids", multiple=True, metavar="key_...", help="Compare these keys of the report alone.")
@with_appcontext
def usage(
    by: str | None,
    since: datetime | None,
    form: str | None,
    asks_openai: bool,
    admin_key_file: Path | None,
    days: int | None,
    today: bool,
    key_ids: tuple[str, ...],
) -> None:
    """Tell what was used and spent: today and this month against the caps, or by one thing. Times are UTC.

    Ends with 1 when OpenAI's cost report has more than the ledger, and with 2 when something could not be read.
    """
    if asks_openai:
        if by or since or form:
            raise click.UsageError("--by, --since and --format do not go with --reconcile: it takes --days.")
        sys.exit(0 if reconcile(parts(), admin_key_file, days or 7, today, key_ids) else 1)
    if admin_key_file or days or today or key_ids:
        raise click.UsageError("--admin-key-file, --days, --today and --key-id go with --reconcile.")
    if since and since.replace(tzinfo=UTC) > datetime.now(UTC):
        raise click.UsageError("--since lies in the future.")
    with tables(parts().engine):
        spans = [_asked(parts(), by or "total", since)] if by or since else _overview(parts())
    {"csv": _print_csv, "json": _print_json}.get(form or "", _print_tables)(spans)


def _asked(house: Parts, by: str, since: datetime | None) -> Span:
    start = (since or _month()).replace(tzinfo=UTC)
    return Span(f"since {start:%Y-%m-%d %H:%M}", by, BY[by](house.engine, _ms(start)))


def _overview(house: Parts) -> list[Span]:
    """Today and this month."""
    balances = house.ledger.balances("")
    starts = {"site/day": now_ms() // DAY_MS * DAY_MS, "site/month": _ms(_month())}
    return [
        Span(each.scope.key.split("/")[-1], "model", sums.by_model(house.engine, starts[each.scope.name]), each)
        for each in balances
        if each.scope.name in starts
    ]


def _month() -> datetime:
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _print_tables(spans: list[Span]) -> None:
    for number, span in enumerate(spans):
        click.echo(("\n" if number else "") + _title(span))
        if not span.lines:
            click.echo("Nothing was used.")
            continue
        for text in columns((span.by, *HEAD), [_cells(line) for line in span.lines]):
            click.echo(text)


def _title(span: Span) -> str:
    if span.balance is None:
        return f"{span.name} UTC"
    spent, held, cap = span.balance.spent, span.balance.held, span.balance.scope.cap
    share = f" ({100 * spent / cap:.1f} %)" if cap else ""
    told = f"${dollars(spent)} of ${dollars(cap, 2)} spent{share}, ${dollars(held)} held for answers under way"
    return f"{span.name} UTC: {told}"


def _cells(line: Line) -> list[str]:
    counts = (line.attempts, line.failed, line.input_tokens, line.cached_tokens, line.output_tokens)
    first = "" if line.first_ms is None else f"{line.first_ms:,}"
    return [line.name, *(f"{count:,}" for count in counts), dollars(line.cost_nano), first]


def _print_csv(spans: list[Span]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["span", *(field.name for field in fields(Line))])
    writer.writerows([span.name, *asdict(line).values()] for span in spans for line in span.lines)


def _print_json(spans: list[Span]) -> None:
    told = [{"span": span.name, "by": span.by, **_of_budget(span.balance), "lines": span.lines} for span in spans]
    click.echo(json.dumps(told, indent=2, default=asdict))


def _of_budget(balance: Balance | None) -> dict[str, int]:
    if balance is None:
        return {}
    return {"spent_nano": balance.spent, "held_nano": balance.held, "cap_nano": balance.scope.cap}
