"""`flask doctor`: looks at everything that keeps the key, from inside the server or, with --url, from outside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from chatbot import db, migrate
from chatbot.chats.worst_case import worst_case
from chatbot.commands.keys import report_status, report_verified
from chatbot.commands.outside import report_outside
from chatbot.commands.report import Report
from chatbot.config import LOOPBACK, OPENAI_HOSTS, ROOT, platform
from chatbot.errors import SettingsError
from chatbot.key.source import is_open_to_others
from chatbot.money import switches
from chatbot.money.budgets import caps
from chatbot.money.prices import OLD_DAYS, Prices
from chatbot.scan.errors import CannotScan
from chatbot.scan.git import checkout_of, succeeds
from chatbot.web.guard import STORE_ERRORS
from chatbot.web.parts import Parts, parts

SOON_DAYS = 60


@click.command("doctor")
@click.option("--url", help="Look at a deployed server from outside, such as https://chat.example.org.")
@with_appcontext
def doctor(url: str | None) -> None:
    """Say what is right, what is wrong, and the fix."""
    report = Report()
    if url:
        report_outside(report, url)
    else:
        house = parts()
        _report_tables(report, house)
        report_status(report, house)
        _report_env_file(report)
        _report_host(report, house)
        models = report_verified(report, house)
        _report_models(report, house, models)
        _report_money(report, house)
        _report_debug(report)
        _report_proxies(report, house)
        _report_stores(report, house)
    report.end()


def _report_tables(report: Report, house: Parts) -> None:
    """Set up an empty database, as a start would."""
    try:
        migrate.prepare(house.engine)
    except SettingsError as refused:
        report.wrong(str(refused).rstrip("."), "that command")
    except SQLAlchemyError as error:
        report.wrong(f"the database fails: {type(error).__name__}", "start it, and check DATABASE_URL")


def _report_env_file(report: Report) -> None:
    """Is `.env` kept out of git, and from other users?"""
    path = ROOT / ".env"
    with suppress(CannotScan):  # there is no git
        if checkout_of(ROOT):
            if succeeds(ROOT, "ls-files", "--error-unmatch", ".env"):
                fix = "git rm --cached .env, commit, and revoke each key that was in it: docs/guide/if-it-leaks.md"
                report.wrong("git tracks .env, so its secrets are in the history", fix)
            elif succeeds(ROOT, "check-ignore", "--quiet", ".env"):
                report.right("git ignores .env")
            else:
                report.wrong("git does not ignore .env", "add a line .env to .gitignore")
    if not path.exists():
        report.right("there is no .env; settings come from the environment")
    elif is_open_to_others(path):
        report.wrong(f"other users can read .env (mode {path.stat().st_mode & 0o777:04o})", f"chmod 600 {path}")
    else:
        report.right("no user outside its group can read .env")


def _report_host(report: Report, house: Parts) -> None:
    settings = house.settings
    where = f"keys go to {settings.upstream_host} by {settings.openai_api}"
    if not house.ring.sources:
        return
    is_secure = settings.openai_base_url.startswith("https:")
    if settings.upstream_host in OPENAI_HOSTS and is_secure:
        report.right(f"{where}, over TLS")
    elif is_secure or settings.upstream_host in LOOPBACK:
        report.note(f"{where}, which is not OpenAI's", "Right, if OPENAI_BASE_URL is meant to name another server")
    else:
        report.wrong(f"{where}, in the clear", "give OPENAI_BASE_URL an https:// address")


def _report_models(report: Report, house: Parts, listed: dict[str, str | None]) -> None:
    """Is each model offered, and for how long yet?"""
    for model in house.settings.called_models if listed else []:
        if model not in listed:
            fix = "allow the model in the project's settings, or change OPENAI_MODEL, OPENAI_MODELS or TITLE_MODEL"
            report.wrong(f"model {model} is not among those that this key may use", fix)
            continue
        shutdown = _date(listed[model])
        left = (shutdown - datetime.now(UTC).date()).days if shutdown else None
        if left is None:
            report.right(f"model {model} is offered, with no shutdown date")
        elif left <= SOON_DAYS:
            say = report.wrong if left < 0 else report.note
            say(f"model {model} is shut down on {shutdown}, in {left} days", "Choose another one")
        else:
            report.right(f"model {model} is offered until {shutdown}")


def _date(told: str | None) -> date | None:
    try:
        return date.fromisoformat((told or "")[:10])
    except ValueError:
        return None


def _report_money(report: Report, house: Parts) -> None:
    """What it may cost, by which prices, and how old these are."""
    if not house.ring.sources:
        return
    settings, prices = house.settings, house.ledger.prices
    for model in settings.called_models:
        report.right(f"model {model} costs {prices.words(model)}")
    if any(model not in settings.model_prices for model in settings.called_models):
        _report_age(report, prices)
    try:
        now_set = switches.look(house.engine)
    except SQLAlchemyError:  # which is reported elsewhere
        now_set = switches.Switches(None, {})
    report.right(f"worst case: {worst_case(settings, prices, caps(settings, now_set))}")


def _report_age(report: Report, prices: Prices) -> None:
    known = prices.age_days is not None
    age = f"{prices.age_days} days old" if known else "of a version that this app does not know"
    if known and not prices.are_old:
        report.right(f"the prices of genai-prices are {age}, which is at most {OLD_DAYS}")
    else:
        report.note(f"the prices of genai-prices are {age}", "Compare them with OpenAI's; MODEL_PRICES overrides them")


def _report_debug(report: Report) -> None:
    if current_app.debug:  # off loopback the start has refused it
        report.note("FLASK_DEBUG is on", "Never on a server that others reach: its debugger runs any code")
    else:
        report.right("the debugger is off")


def _report_proxies(report: Report, house: Parts) -> None:
    hops, name = house.settings.trusted_proxies, platform()
    if name and not hops:
        report.wrong(f"{name} puts a router in front, so all visitors share its address", "TRUSTED_PROXIES=1")
    elif hops:
        note = "It must be the number of proxies in front, or visitors can forge their address"
        report.note(f"X-Forwarded-For is believed for {hops} proxies", note)
    else:
        report.right("no proxy is trusted: the address of a connection is the visitor's")


def _report_stores(report: Report, house: Parts) -> None:
    """The database and the limits' store: do they answer, and do all workers share them?"""
    uri = house.settings.ratelimit_storage_uri or ""
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: db.check(house.engine),
        "limits' store": house.limits.check,
    }
    for name, check in checks.items():
        try:
            check()
            report.right(f"the {name} answers")
        except (*STORE_ERRORS, OSError) as error:
            report.wrong(f"the {name} fails: {type(error).__name__}", "start it, and check its address")
    if uri.startswith("memory:"):
        report.note("limits are counted in memory, by one worker alone", "Unset RATELIMIT_STORAGE_URI to keep them")
    else:
        report.right("limits are counted in one place for all workers")
