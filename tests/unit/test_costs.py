"""OpenAI's own cost report: read whole, page by page, and refused when it is not of its form."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from chatbot.config import load_settings
from chatbot.errors import Broken, Problem
from chatbot.key.admin import AdminKey
from chatbot.key.ring import Ring
from chatbot.key.watch import watch
from chatbot.model import costs
from chatbot.model.client import Client
from chatbot.model.transport import Urllib3Transport
from tests.answering import answering, give
from tests.fake_openai import FakeOpenAI, make_key
from tests.fake_openai_parts.costs import key_id


def midnight() -> datetime:
    """The beginning of the day: asked for anew, because a run of all tests may outlast a day."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def spent(base_url: str, key: str, days: int) -> costs.Spent:
    """Of the days before today."""
    admin = AdminKey(key, load_settings(_env_file=None, openai_base_url=base_url, openai_trusted_hosts=["127.0.0.1"]))
    client = Client(base_url, "responses", Ring([]), Urllib3Transport(base_url))
    return costs.spent(client, admin, midnight() - timedelta(days=days), midnight())


def day(ago: int) -> str:
    return f"{midnight() - timedelta(days=ago):%Y-%m-%d}"


def test_the_fake_reports_costs_as_the_sdk_expects_them(fake: FakeOpenAI) -> None:
    key = make_key()
    fake.extra_costs(1.5, key=key, days_ago=1)
    fake.extra_costs(0.25, days_ago=1)
    with httpx2.Client() as http:
        sdk = OpenAI(api_key="", admin_api_key=fake.admin_key, base_url=fake.base_url, max_retries=0, http_client=http)
        since = int((midnight() - timedelta(days=2)).timestamp())
        report = sdk.admin.organization.usage.costs(start_time=since, group_by=["api_key_id"])
    assert (report.object, report.has_more, report.next_page) == ("page", False, None)
    assert [bucket.start_time - since for bucket in report.data] == [0, 86_400, 2 * 86_400]
    results: list[Any] = [*report.data[1].results]
    assert [(each.object, each.api_key_id, each.amount.value, each.amount.currency) for each in results] == [
        ("organization.costs.result", key_id(key), 1.5, "usd"),
        ("organization.costs.result", None, 0.25, "usd"),
    ]


def test_a_report_of_many_pages_is_read_to_its_end(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "MOST_DAYS", 2)
    for ago in range(7):
        fake.extra_costs(ago, key=fake.key, days_ago=ago)
    found = spent(fake.base_url, fake.admin_key, 5)
    assert found == {(day(ago), key_id(fake.key)): ago * 10**9 for ago in (5, 4, 3, 2, 1)}
    assert len(fake.requests) == 3


def test_another_process_can_let_somebody_else_spend(fake: FakeOpenAI) -> None:
    given = {"dollars": 1.5, "key": fake.key, "days_ago": 1}
    with httpx2.Client() as http:
        assert http.post(f"http://127.0.0.1:{fake.port}/_extra_costs", json=given).status_code == 200
    assert spent(fake.base_url, fake.admin_key, 1) == {(day(1), key_id(fake.key)): 1_500_000_000}
    fake.reset()
    assert spent(fake.base_url, fake.admin_key, 1) == {}


def test_the_key_goes_into_the_header_alone_and_is_watched(fake: FakeOpenAI) -> None:
    assert spent(fake.base_url, fake.admin_key, 1) == {}
    (call,) = fake.requests
    assert call.headers["authorization"] == f"Bearer {fake.admin_key}"
    assert fake.admin_key not in call.path
    assert watch.finds(f"said {fake.admin_key[20:60]}")


def telling(page: Callable[[int], object]) -> AbstractContextManager[str]:
    """A server whose answers are these, by their number, in JSON or as bytes; its address."""
    numbers = count()

    def answer(request: BaseHTTPRequestHandler) -> None:
        told = page(next(numbers))
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        give(request, 200, body, Content_Type="application/json")

    return answering(answer)


def bucket(*results: object, start: object = 0) -> dict[str, object]:
    return {"object": "page", "data": [{"object": "bucket", "start_time": start, "results": list(results)}]}


def result(value: object, currency: str = "usd", **more: object) -> dict[str, object]:
    return {"object": "organization.costs.result", "amount": {"value": value, "currency": currency}, **more}


@pytest.mark.parametrize(
    "page",
    [
        None, [], "text", 7, {}, {"data": None}, {"data": 7}, {"data": [None]}, {"data": [{"start_time": 0}]},
        bucket(None), bucket(result("much")), bucket(result(None)), bucket(result("NaN")), bucket(result("Infinity")),
        bucket(result(1, "eur")), bucket(result(1), start="today"), bucket(result(1), start=10**30),
        bucket(result("1e999999")), bucket(result("1e99999")), bucket(result(-1e300)), b"[" * 100_000,
        b'{"data":[{"start_time":0,"results":[{"amount":{"value":1e999999}}]}]}',
    ],
    ids=lambda page: repr(page)[:60],
)  # fmt: skip
def test_what_is_no_report_is_refused(page: object) -> None:
    with telling(lambda _: page) as url, pytest.raises(Problem) as caught:
        spent(f"{url}/v1", make_key("admin"), 1)
    assert isinstance(caught.value, Broken), caught.value


def test_a_report_that_does_not_end_is_refused() -> None:
    endless = {**bucket(), "has_more": True, "next_page": "again"}
    with telling(lambda _: endless) as url, pytest.raises(Broken) as caught:
        spent(f"{url}/v1", make_key("admin"), 1)
    assert "does not end" in caught.value.cause


def test_amounts_in_words_count_and_a_key_of_theirs_is_no_place_for_a_secret() -> None:
    secret = make_key()
    with telling(lambda _: bucket(result("0.000000001", api_key_id="key_1"), result(2, api_key_id=secret))) as url:
        found = spent(f"{url}/v1", make_key("admin"), 1)
    assert found == {("1970-01-01", "key_1"): 1, ("1970-01-01", costs.NO_KEY): 2 * 10**9}
