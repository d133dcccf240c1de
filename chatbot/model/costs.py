"""What OpenAI itself says that the organization has spent, by day and key: its cost report, read with an admin key.

Its form: https://platform.openai.com/docs/api-reference/usage/costs
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chatbot.errors import Broken
from chatbot.key.admin import AdminKey
from chatbot.model.client import LISTING_S, Client
from chatbot.model.faults import safe

MOST_DAYS = 180  # in one page of the report
MOST_DOLLARS = 10**9  # for a key on a day: more is no amount
NO_KEY = "without a key"  # such as by OpenAI's own pages

Spent = Counter[tuple[str, str]]  # nano-dollars by day, such as 2026-11-25, and id of the key, such as key_abc


def spent(client: Client, admin: AdminKey, since: datetime, until: datetime) -> Spent:
    """What each key has spent on each day (UTC) of a span of whole days. Raises Problem."""
    asked: dict[str, Any] = {
        "start_time": int(since.timestamp()),
        "end_time": int(until.timestamp()),
        "bucket_width": "1d",
        "group_by": ["api_key_id"],
        "limit": min(MOST_DAYS, (until - since).days),
        "timeout": LISTING_S,
    }
    found: Spent = Counter()
    pages: set[str] = set()
    while True:
        try:
            page = client.costs(admin, **asked)
            for bucket in page["data"]:
                _add(found, bucket)
            asked["page"] = str(page.get("next_page"))
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError):
            raise Broken(cause="a cost report that is not of the API's form") from None
        if not page.get("has_more"):
            return found
        if asked["page"] in pages:
            raise Broken(cause="a cost report that does not end")
        pages.add(asked["page"])


def _add(found: Spent, bucket: dict[str, Any]) -> None:
    day = datetime.fromtimestamp(bucket["start_time"], UTC).strftime("%Y-%m-%d")
    for result in bucket["results"]:
        amount = result.get("amount") or {"value": 0}
        if amount.get("currency", "usd") != "usd":
            raise ValueError
        dollars = Decimal(str(amount["value"]))
        if abs(dollars) > MOST_DOLLARS:
            raise ValueError
        key = safe(str(result.get("api_key_id") or "")) or NO_KEY
        found[day, key] += round(dollars * 10**9)
