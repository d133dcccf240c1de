"""A real incident, step by step: ask, verify what was done, count what it cost, and write it down."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from chatbot.config import ROOT, load_settings
from chatbot.errors import Problem, SettingsError
from chatbot.key import record
from chatbot.key.credential import Credential, named
from chatbot.key.redact import redact
from chatbot.key.source import load_sources
from chatbot.model.faults import KeyRefused
from chatbot.money import usage
from chatbot.web.parts import Parts

KEYS_PAGE = "https://platform.openai.com/api-keys"
USAGE_PAGE = "https://platform.openai.com/usage"
TIME_FORM = "%Y-%m-%d %H:%M"
TOLERANCE = Decimal("0.01")  # dollars, of rounding on OpenAI's page
Leaked = Credential | Row[Any]


class Incident:
    """The checklist. A step that could not be verified is said to be open, in the report too."""

    def __init__(self, house: Parts) -> None:
        self._house = house
        self._lines: list[str] = []
        self._is_closed = True
        self._new: str | None = None  # the fingerprint of the key that replaces the leaked one
        self._began = datetime.now(UTC)

    def run(self) -> bool:
        """True when every step is verified. The report is written even when the operator stops half-way."""
        try:
            leaked = self._ask_which()
            if leaked is None:
                return False
            since = self._ask_since()
            self._step("a new key is in place", lambda: self._replaced(leaked))
            self._step("the leaked key is dead", lambda: self._is_dead(leaked))
            self._step("the running app has taken the new key", self._is_taken)
            self._count(leaked, since)
            self._find_source()
            self._note("what happened, and what changes", click.prompt("How did it leak, and what will you change?"))
        except click.Abort:
            self._open("the drill was stopped before its end")
        self._write()
        return self._is_closed

    def _ask_which(self) -> Leaked | None:
        """A key that is in place, or one that was, by the record."""
        keys: dict[str, Leaked] = {}
        with suppress(SQLAlchemyError):
            keys = {**record.known(self._house.engine)}
        in_place = {each.fingerprint: each for each in self._house.ring.credentials}
        keys = {**in_place, **{name: row for name, row in keys.items() if name not in in_place}}
        if not keys:
            click.echo("No key is set or known, so none of this app's can have leaked.")
            return None
        for name, each in keys.items():
            click.echo(f"  {name}  from {each.source}" + ("" if name in in_place else ", no longer in place"))
        name = click.prompt("Which key leaked?", type=click.Choice(list(keys)), default=next(iter(keys)))
        self._note("leaked key", f"{name} from {keys[name].source}")
        return keys[name]

    def _ask_since(self) -> datetime:
        day_ago = (self._began - timedelta(days=1)).strftime(TIME_FORM)
        told = click.prompt("Since when, in UTC?", type=click.DateTime([TIME_FORM]), default=day_ago)
        since: datetime = told.replace(tzinfo=UTC)
        self._note("leaked since", f"{since:{TIME_FORM}} UTC")
        return since

    def _step(self, what: str, verify: Callable[[], str]) -> None:
        """Let the operator act, verify it, and ask again until it holds or is left open."""
        while True:
            fault = verify()
            if not fault:
                click.echo(f"ok    {what}")
                self._note(what, f"verified {datetime.now(UTC):%H:%M:%S} UTC")
                return
            click.echo(f"      {fault}")
            if not click.confirm("Done, verify again? (no leaves the step open)", default=True):
                self._open(what)
                return

    def _replaced(self, leaked: Leaked) -> str:
        """Read the settings anew: is there another key, and does it work?"""
        try:
            found = [each.credential() for each in load_sources(load_settings(), self._house.signer)]
        except SettingsError as refused:
            return str(refused)
        others = [each for each in found if each.fingerprint != leaked.fingerprint]
        if not others:
            return f"Make a new key at {KEYS_PAGE} and put it where {leaked.source} is read."
        try:
            self._house.client.models(others[0])
        except Problem as problem:
            return f"{named(others[0])} does not work: {problem.cause}"
        if found[0].fingerprint == leaked.fingerprint:
            return f"key {others[0].fingerprint} works and stands by; put it in the leaked one's place, too."
        self._new = others[0].fingerprint
        self._note("new key", f"{self._new} from {others[0].source}")
        return ""

    def _is_dead(self, leaked: Leaked) -> str:
        """OpenAI refuses the leaked key; after a revocation that may take a minute."""
        if isinstance(leaked, Row):
            told = "This app no longer has that key, so it cannot prove that it is dead"
            return "" if leaked.refused_at else f"{told}: look at {KEYS_PAGE}."
        try:
            self._house.client.models(leaked)
        except KeyRefused:
            return ""
        except Problem as problem:
            return f"not proven: {problem.cause}"
        return f"key {leaked.fingerprint} still works: revoke it at {KEYS_PAGE}, and wait a minute."

    def _is_taken(self) -> str:
        """The app notes each key at its first use."""
        try:
            known = record.known(self._house.engine)
        except SQLAlchemyError as error:
            return f"the database does not answer: {type(error).__name__}"
        if self._new in known and not known[self._new].refused_at:
            return ""
        return "The running app has not used the new key: a file is read by itself, after a change of .env send SIGHUP."

    def _count(self, leaked: Leaked, since: datetime) -> None:
        """This app's ledger against OpenAI's page: more there is somebody else's."""
        try:
            ours = usage.of_key(self._house.engine, leaked.fingerprint, int(since.timestamp() * 1000))
        except SQLAlchemyError as error:
            self._open(f"this app's own use of that key: the database fails with {type(error).__name__}")
            return
        mine = Decimal(ours.cost_nano) / 10**9
        used = f"{ours.attempts} calls, {ours.input_tokens} tokens in, {ours.output_tokens} out, ${mine:.4f}"
        click.echo(f"      This app's own use of that key since then: {used}.")
        self._note("this app's use", used)
        told = _dollars(click.prompt(f"What does {USAGE_PAGE} show for that key since then, in dollars?"))
        if told is None:
            self._open("the comparison with OpenAI's usage page")
        elif told > mine + TOLERANCE:
            self._is_closed = False
            click.echo(f"WRONG OpenAI shows ${told - mine:.4f} more than this app used: somebody else used the key.")
            self._note("somebody else's use", f"${told - mine:.4f} (OpenAI shows ${told}): ask OpenAI's support")
        else:
            click.echo("ok    OpenAI shows no more than this app used")
            self._note("somebody else's use", f"none seen (OpenAI shows ${told})")

    def _find_source(self) -> None:
        click.echo("      Look where it leaked: flask scan, and flask scan --history")
        found = click.prompt("Was it in the repository?", type=click.Choice(["yes", "no", "not looked"]), default="no")
        self._note("in the repository", found)
        if found == "not looked":
            self._open("a scan of the repository and its history")

    def _note(self, what: str, found: str) -> None:
        self._lines.append(f"- {what}: {redact(found)}")

    def _open(self, what: str) -> None:
        self._is_closed = False
        click.echo(f"OPEN  {what}")
        self._lines.append(f"- OPEN: {what}")

    def _write(self) -> None:
        path = ROOT / "instance" / f"leak-{self._began:%Y-%m-%dT%H%M%S}.md"
        took = str(datetime.now(UTC) - self._began).split(".")[0]
        text = "\n".join([f"# A leaked key, {self._began:{TIME_FORM}} UTC\n", *self._lines, f"- took: {took}\n"])
        try:
            path.parent.mkdir(exist_ok=True)
            path.touch(0o600)
            path.write_text(text, errors="replace")
        except OSError as error:
            click.echo(f"The report cannot be written: {type(error).__name__}. Keep it from here.\n\n{text}")
        else:
            click.echo(f"The report is in {path}.")


def _dollars(text: str) -> Decimal | None:
    try:
        told = Decimal(text.strip().lstrip("$"))
    except InvalidOperation:
        return None
    return told if told.is_finite() and told >= 0 else None
