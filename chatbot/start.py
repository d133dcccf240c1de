"""What the operator reads at start, and the worst case of tomorrow's bill."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

from limits import parse_many

from chatbot.config import Settings
from chatbot.key.source import Key
from chatbot.model.events import Usage
from chatbot.money.prices import cost_nano, worst_case_nano

DAY_S = 86_400


def describe(settings: Settings, key: Key | None) -> list[str]:
    """One line each, no secret in any."""
    return [*_paid(settings, key), _entry(settings), _places(settings)]


def _paid(settings: Settings, key: Key | None) -> list[str]:
    if key is None:
        return ["mode: tutor, free of cost. To go live put OPENAI_API_KEY into .env and start again"]
    source = "OPENAI_API_KEY_FILE" if settings.openai_api_key_file else "OPENAI_API_KEY"
    return [
        f"mode: live, key {key.fingerprint} from {source}",
        f"the key goes to: {settings.upstream_host} by {settings.openai_api}",
        "; ".join(f"model: {model}, {_price(model)}" for model in settings.models),
        f"worst case: {_worst_case(settings)}",
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
