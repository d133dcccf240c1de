"""What the operator reads at start: who pays, where the key goes, the worst case of the bill, who may enter."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask
from sqlalchemy import Engine

from chatbot.chats.worst_case import dollars, worst_case
from chatbot.config import ROOT, Settings, refuse_open_debugger
from chatbot.key import record
from chatbot.key.credential import Key, named
from chatbot.key.ring import Ring
from chatbot.key.source import is_open_to_others
from chatbot.money import switches
from chatbot.money.budgets import caps
from chatbot.money.prices import Prices

DAY_S = 86_400
FRESH_PRICES = "compare them with OpenAI's page and set MODEL_PRICES where they differ, or take newer ones"


def describe(settings: Settings, ring: Ring, *, has_desk: bool = True) -> list[str]:
    """One line each, no secret in any. `has_desk`: it is not taken out."""
    return [*_paid(settings, ring), _entry(settings, has_desk), _places(settings)]


class App(Flask):
    """Flask, but the debugger, which lets whoever sees it run code beside the key, never leaves this machine."""

    def run(
        self, host: str | None = None, port: int | None = None, debug: bool | None = None, *rest: Any, **more: Any
    ) -> None:
        named = str(self.config.get("SERVER_NAME") or "127.0.0.1").partition(":")[0]
        refuse_open_debugger(host or named, bool(debug or self.debug or more.get("use_debugger")))
        super().run(host, port, debug, *rest, **more)


def refuse_debugger_of_this_start(settings: Settings) -> None:
    """Raises SettingsError for HOST, or for what `flask run` was told."""
    context = click.get_current_context(silent=True)
    told = context.params if context else {}
    refuse_open_debugger(str(told.get("host") or settings.host), bool(told.get("debugger")))


def will_serve() -> bool:
    """Is this process a server, and not one of flask's other commands?"""
    context = click.get_current_context(silent=True)
    return context is None or context.info_name == "run"


def _paid(settings: Settings, ring: Ring) -> list[str]:
    if not ring.sources:
        return ["mode: tutor, free of cost. To go live: flask setup"]
    prices = Prices(settings)
    budgets = caps(settings, switches.Switches(None, {}))
    first, *others = map(named, ring.credentials)
    return [
        f"mode: live, {first}" + (f"; standing by: {', '.join(others)}" if others else ""),
        f"the key goes to: {settings.upstream_host} by {settings.openai_api}",
        "; ".join(f"model: {model}, {prices.words(model)}" for model in settings.models),
        *(f"model of titles: {model}, {prices.words(model)}" for model in filter(None, [settings.title_model])),
        f"worst case: {worst_case(settings, prices, budgets)}",
    ]


def warnings(ring: Ring) -> list[str]:
    """A line for each file with secrets that others may read."""
    modes = {ROOT / ".env": 600} | {source.path: 400 for source in ring.sources if source.path}  # an `.env` is edited
    told = [(path, mode) for path, mode in modes.items() if is_open_to_others(path)]
    return [f"other users of this machine can read {path}: chmod {mode} {path}" for path, mode in told]


def reminders(settings: Settings, ring: Ring, engine: Engine, clock: Callable[[], float] = time.time) -> list[str]:
    """A line for each key that is due to be replaced, for old prices, and for each budget that the desk has changed.

    Needs the tables.
    """
    return [*_old_keys(settings, ring, engine, clock()), *_old_prices(settings, ring, clock), *_other_caps(engine)]


def _old_keys(settings: Settings, ring: Ring, engine: Engine, now: float) -> list[str]:
    known, oldest = record.known(engine), (now - settings.key_max_age_days * DAY_S) * 1000
    due = [each for each in ring.credentials if each.fingerprint in known and isinstance(each, Key)]
    return [
        f"{named(each)} has been in place for over {settings.key_max_age_days} days (KEY_MAX_AGE_DAYS): "
        "replace it, then revoke it"
        for each in due
        if known[each.fingerprint].first_seen_at < oldest
    ]


def _old_prices(settings: Settings, ring: Ring, clock: Callable[[], float]) -> list[str]:
    prices = Prices(settings, clock=clock)
    if not (ring.sources and prices.are_old):
        return []
    return [f"the prices that costs are counted by are {prices.age_days} days old: {FRESH_PRICES}"]


def _other_caps(engine: Engine) -> list[str]:
    return [
        f"the budget {name} was set to {dollars(nano)} on the running server; the settings do not count for it"
        for name, nano in switches.look(engine).caps.items()
    ]


def _entry(settings: Settings, has_desk: bool) -> str:
    proxies = f"{settings.trusted_proxies} trusted proxies" if settings.trusted_proxies else "no trusted proxy"
    limits = f"{settings.limit_visitor} per visitor, {settings.limit_network} per network"
    who = "those who know the access code" if settings.access_code else "everybody"
    desk = "the desk is at /admin" if settings.admin_password else "the desk is closed, as ADMIN_PASSWORD is not set"
    return f"who may enter: {who}, {limits}, {proxies}" + (f"; {desk}" if has_desk else "")


def _places(settings: Settings) -> str:
    data = str(settings.sqlite_path) if settings.sqlite_path else _place(settings.database_url)
    limits = _place(settings.ratelimit_storage_uri) if settings.ratelimit_storage_uri else "the same"
    return f"data live in: {data}; limits in: {limits}"


def _place(url: str) -> str:
    """Scheme, host and path of an address, without the password that it may hold."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
