"""The organization's own cost report, `GET /v1/organization/costs`: dollars by day and key, for an admin key alone."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.fake_openai_parts import calls
from tests.fake_openai_parts.calls import Call
from tests.fake_openai_parts.errors import ApiError, by_code, masked

if TYPE_CHECKING:
    from tests.fake_openai import FakeOpenAI

PATH = "/v1/organization/costs"
DAY_S = 86_400
MOST_BUCKETS = 180


def key_id(key: str) -> str:
    """The id by which reports name a key."""
    return "key_" + hashlib.sha256(key.encode()).hexdigest()[:16]


def day_of(at: float) -> int:
    return int(at) // DAY_S * DAY_S


def report(fake: FakeOpenAI, call: Call) -> dict[str, Any]:
    """A page of the report that `call` asks for. Raises ApiError."""
    _authenticate(fake, call)
    asked = {name.removesuffix("[]"): values for name, values in parse_qs(urlsplit(call.path).query).items()}
    if "start_time" not in asked:
        raise ApiError(400, "missing_required_parameter", "Missing required parameter: 'start_time'.")
    limit = int(asked.get("limit", ["7"])[0])
    if not 1 <= limit <= MOST_BUCKETS:
        raise ApiError(400, "integer_above_max_value", "Invalid 'limit'.", param="limit")
    first = day_of(int(asked.get("page", asked["start_time"])[0].removeprefix("page_")))
    end = int(asked.get("end_time", [str(day_of(time.time()) + DAY_S)])[0])
    days = list(range(first, end, DAY_S))
    left = days[limit:]
    return {
        "object": "page",
        "data": [_bucket(fake, day, "api_key_id" in asked.get("group_by", [])) for day in days[:limit]],
        "has_more": bool(left),
        "next_page": f"page_{left[0]}" if left else None,
    }


def _authenticate(fake: FakeOpenAI, call: Call) -> None:
    if fake.compat:
        raise ApiError(404, None, "", raw=b'{"detail":"Not Found"}')
    call.key = call.headers.get("authorization", "").partition(" ")[2]
    if call.key in fake.keys:
        raise by_code("missing_scope")
    if call.key != fake.admin_key or call.key in fake.revoked:
        raise by_code("invalid_api_key", key=masked(call.key))
    if call.key in fake.unscoped:
        raise by_code("missing_scope")


def _bucket(fake: FakeOpenAI, day: int, by_key: bool) -> dict[str, Any]:
    spent: Counter[str | None] = Counter()
    for made in fake.calls:
        if day_of(made.at) == day:
            spent[key_id(made.key) if by_key else None] += calls.bill([made]).nano_dollars
    for extra_day, key, nano in fake.extra:
        if extra_day == day:
            spent[key if by_key else None] += nano
    results = [
        {
            "object": "organization.costs.result",
            "amount": {"value": nano / 1e9, "currency": "usd"},
            "api_key_id": key,
            "line_item": None,
            "project_id": None,
        }
        for key, nano in spent.items()
        if nano
    ]
    return {"object": "bucket", "start_time": day, "end_time": day + DAY_S, "results": results}
