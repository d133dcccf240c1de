"""`flask keys`: which keys are in place and how they fare, and whether each works."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import Row, inspect
from sqlalchemy.exc import SQLAlchemyError

from chatbot.commands.report import Report
from chatbot.db import DAY_MS, now_ms
from chatbot.errors import Problem
from chatbot.key import record
from chatbot.key.credential import Credential, named
from chatbot.key.source import is_open_to_others
from chatbot.model.faults import KeyRefused
from chatbot.web.parts import Parts, parts

ROTATE = "Make a new key, put it in place, revoke this one: docs/guide/keep-it-safe.md"
keys = AppGroup("keys", help="The keys: their state, and whether they work.")


@keys.command("status")
@with_appcontext
def status() -> None:
    """Source, fingerprint, kind, age and state of each key. Calls nobody."""
    report = Report()
    report_status(report, parts())
    report.end()


@keys.command("verify")
@with_appcontext
def verify() -> None:
    """Ask OpenAI with each key for the list of models, which is free."""
    report = Report()
    if not parts().ring.sources:
        report.note("no key is set, so there is nothing to verify", "To go live: docs/guide/get-a-key.md")
    report_verified(report, parts())
    report.end()


def report_status(report: Report, house: Parts) -> None:
    """A line for each key, and one for each file of a key that others can read."""
    if not house.ring.sources and "tutor" in current_app.extensions:
        report.note("no key is set, so the built-in tutor answers", "To go live: docs/guide/get-a-key.md")
    elif not house.ring.sources:
        report.wrong("no key is set, and the tutor, which would answer, is taken out", "docs/guide/get-a-key.md")
    known: dict[str, Row[Any]] = {}
    try:
        if inspect(house.engine).has_table("keys"):
            known = record.known(house.engine)
        else:
            report.note("the database has no record of keys yet", "It is made by `flask db upgrade` or the first start")
    except SQLAlchemyError as error:
        fix = "start it, and check DATABASE_URL; until then nothing is known of the keys"
        report.wrong(f"the database fails: {type(error).__name__}", fix)
    refused = {fingerprint for fingerprint, row in known.items() if row.refused_at}
    in_use = next((each for each in house.ring.credentials if each.fingerprint not in refused), None)
    for credential in house.ring.credentials:
        place = "in use" if credential is in_use else "standing by"
        _report_one(report, house, credential, place, known.get(credential.fingerprint))
    if len(set(house.ring.credentials)) < len(house.ring.credentials):
        report.note("the key that stands by is the first one again", "Put another one there: both would be refused")
    for source in house.ring.sources:
        if source.path and is_open_to_others(source.path):
            mode = f"mode {source.path.stat().st_mode & 0o777:04o}"
            report.wrong(f"other users can read {source.path} ({mode})", f"chmod 400 {source.path}")


def report_verified(report: Report, house: Parts) -> dict[str, str | None]:
    """A line for each key: does OpenAI accept it? The models that the first one which works may use, with shutdown."""
    found: dict[str, str | None] = {}
    with suppress(SQLAlchemyError):  # then there is no record to correct
        house.ring.catch_up()
    for credential in house.ring.credentials:
        try:
            models = house.client.models(credential)
        except KeyRefused as problem:
            house.ring.refuse(credential)
            report.wrong(f"{named(credential)} does not work: {problem.cause}", ROTATE)
        except Problem as problem:
            _report_unproven(report, house, credential, problem)
        else:
            house.ring.accept(credential, time.monotonic())
            report.right(f"{named(credential)} works: {house.settings.upstream_host} lists {len(models)} models")
            found = found or models
    return found


def _report_one(report: Report, house: Parts, credential: Credential, place: str, row: Row[Any] | None) -> None:
    name = f"{named(credential)} ({credential.kind})"
    if row is None:
        report.right(f"{name}: {place}, not used yet")
        return
    age_days = (now_ms() - row.first_seen_at) // DAY_MS
    seen = f"first seen {_date(row.first_seen_at)}, {age_days} days ago"
    if row.refused_at:
        report.wrong(f"{name}: refused by OpenAI since {_date(row.refused_at)}; {seen}", ROTATE)
    elif age_days >= house.settings.key_max_age_days and credential.kind != "workload identity":
        report.note(f"{name}: {place}, {seen}; KEY_MAX_AGE_DAYS is {house.settings.key_max_age_days}", ROTATE)
    else:
        report.right(f"{name}: {place}, {seen}")


def _report_unproven(report: Report, house: Parts, credential: Credential, problem: Problem) -> None:
    """A server that is not OpenAI's need not list its models."""
    if credential.is_openais():
        report.wrong(f"{named(credential)} is not proven: {problem.cause}", "what it says; then run this again")
    else:
        report.note(f"{named(credential)} is not proven: {problem.cause}", "This server may not list its models")


def _date(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
