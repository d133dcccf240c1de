"""What the operator reads at start, and the worst case of tomorrow's bill."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

import click
from limits import parse_many
from sqlalchemy import Engine

from chatbot.config import ROOT, Settings, refuse_open_debugger
from chatbot.db import now_ms
from chatbot.key import record
from chatbot.key.credential import Key
from chatbot.key.ring import Ring
from chatbot.key.source import is_open_to_others
from chatbot.model.events import Usage
from chatbot.money.prices import cost_nano, worst_case_nano

DAY_S = 86_400


def describe(settings: Settings, ring: Ring) -> list[str]:
    """One line each, no secret in any."""
    return [*_paid(settings, ring), _entry(settings), _places(settings)]


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
        return ["mode: tutor, free of cost. To go live put OPENAI_API_KEY into .env and start again"]
    first, *others = (f"key {each.fingerprint} from {each.source}" for each in ring.credentials)
    return [
        f"mode: live, {first}" + (f"; standing by: {', '.join(others)}" if others else ""),
        f"the key goes to: {settings.upstream_host} by {settings.openai_api}",
        "; ".join(f"model: {model}, {_price(model)}" for model in settings.models),
        f"worst case: {_worst_case(settings)}",
    ]


def warnings(ring: Ring) -> list[str]:
    """A line for each file with secrets that others may read."""
    modes = {ROOT / ".env": 600} | {source.path: 400 for source in ring.sources if source.path}  # an `.env` is edited
    told = [(path, mode) for path, mode in modes.items() if is_open_to_others(path)]
    return [f"other users of this machine can read {path}: chmod {mode} {path}" for path, mode in told]


def reminders(settings: Settings, ring: Ring, engine: Engine) -> list[str]:
    """A line for each key that is due to be replaced. Needs the tables."""
    known, oldest = record.known(engine), now_ms() - settings.key_max_age_days * DAY_S * 1000
    due = [each for each in ring.credentials if each.fingerprint in known and isinstance(each, Key)]
    return [
        f"key {each.fingerprint} from {each.source} has been in place for over {settings.key_max_age_days} days "
        "(KEY_MAX_AGE_DAYS): replace it, then revoke it"
        for each in due
        if known[each.fingerprint].first_seen_at < oldest
    ]


def _price(model: str) -> str:
    costs = [cost_nano(model, Usage(input=1000)), cost_nano(model, Usage(output=1000))]
    if None in costs:
        return "price not known"
    sent, made = ((cost or 0) / 1e6 for cost in costs)
    return f"${sent:.2f} in, ${made:.2f} out per million tokens"


def _worst_case(settings: Settings) -> str:
    costs = [worst_case_nano(model, settings) for model in settings.models]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return "not known, because the price of a model is not"
    items = parse_many(settings.limit_site)
    day = min(item.amount * max(1, math.ceil(DAY_S / item.get_expiry())) for item in items)
    each = max(known) / 1e9
    why = f"LIMIT_SITE admits {day} messages a day, each at most ${each:.4f}"
    return f"${each * day:,.2f} a day, ${each * day * 31:,.2f} a month ({why})"


def _entry(settings: Settings) -> str:
    proxies = f"{settings.trusted_proxies} trusted proxies" if settings.trusted_proxies else "no trusted proxy"
    limits = f"{settings.limit_visitor} per visitor, {settings.limit_network} per network"
    return f"who may enter: everybody, {limits}, {proxies}"


def _places(settings: Settings) -> str:
    data = str(settings.sqlite_path) if settings.sqlite_path else _place(settings.database_url)
    limits = _place(settings.ratelimit_storage_uri) if settings.ratelimit_storage_uri else "the same"
    return f"data live in: {data}; limits in: {limits}"


def _place(url: str) -> str:
    """Scheme, host and path of an address, without the password that it may hold."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
