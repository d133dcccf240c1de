"""Limits on messages: exact over several workers, restarts and stores, and not escaped by forging or forgetting."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Served
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import in_parallel, statuses, twin
from tests.visitor import Reply, Visitor

Serve = Callable[..., Served]

ITEM = r'"[a-z_]+-\d+s"(?:;[a-z]+=\d+)+'  # a string with integer parameters: RFC 9651, sections 3.1.2 and 3.3


@pytest.fixture(params=["sqlite", "postgresql", "redis", "valkey"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, object]]:
    """The variables of a server that counts in each kind of store."""
    variables: dict[str, object] = {
        "SECRET_KEY": secrets.token_hex(16),
        "DATABASE_URL": f"sqlite:///{tmp_path}/chat.db",
    }
    if request.param == "postgresql":
        variables["DATABASE_URL"] = request.getfixturevalue("postgres_database")
    elif request.param != "sqlite":
        redis_url = str(request.getfixturevalue("redis_url"))
        variables["RATELIMIT_STORAGE_URI"] = redis_url.replace("redis:", f"{request.param}:")
    yield variables


def from_address(address: str, visitor: Visitor) -> Reply:
    return visitor.say("Hello", headers={"X-Forwarded-For": address})


def test_four_workers_admit_exactly_the_limits_and_none_more_after_a_restart(
    serve: Serve, fake: FakeOpenAI, stored: dict[str, object]
) -> None:
    variables = {**fake.env, **stored, "LIMIT_VISITOR": "1000/minute;12/day", "LIMIT_NETWORK": "15/day"}
    served = serve(**variables, WEB_CONCURRENCY=4)
    first = served.visitor()
    assert first.say("Hello").status == 200
    fired = in_parallel([lambda: twin(first).say("Hello") for _ in range(40)])
    assert statuses(fired) == {200: 11, 429: 29}
    others = in_parallel([lambda: served.visitor().say("Hello") for _ in range(20)])
    assert statuses(others) == {200: 3, 429: 17}, "what the first was refused did not use up the network's limit"
    assert len(served.workers()) == 4
    assert "Traceback" not in served.log
    served.stop()

    served = serve(**variables, LIMIT_SITE="0/day")
    first.url = served.url
    again = [twin(first).say("Hello") for _ in range(3)]
    assert statuses(again) == {429: 3} and again[0].problem["detail"].startswith("You have sent")
    assert served.visitor().say("Hello").problem["detail"].startswith("A lot of messages came from your network")
    assert len(fake.calls) == 15


def test_forged_addresses_and_dropped_cookies_get_no_more_than_the_network_may(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, WEB_CONCURRENCY=2, LIMIT_NETWORK="25/day")
    forged = [lambda n=n: from_address(f"10.{n // 250}.{n % 250}.1", served.visitor()) for n in range(1000)]
    assert statuses(in_parallel(forged)) == {200: 25, 429: 975}
    assert len(fake.calls) == 25


def test_a_thousand_real_networks_get_no_more_than_the_site_gives(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, WEB_CONCURRENCY=2, TRUSTED_PROXIES=1, LIMIT_SITE="30/day", LIMIT_NETWORK="1/day")
    calls = [lambda n=n: from_address(f"10.{n // 250}.{n % 250}.1", served.visitor()) for n in range(1000)]
    assert statuses(in_parallel(calls)) == {200: 30, 429: 970}
    assert len(fake.calls) == 30


def test_behind_one_proxy_the_last_address_counts_whatever_stands_before_it(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, TRUSTED_PROXIES=1, LIMIT_NETWORK="1/day")

    def status(address: str) -> int:
        return from_address(address, served.visitor()).status

    assert status("192.0.2.1") == 200
    assert status("192.0.2.1") == 429
    assert status("198.51.100.9, 192.0.2.1") == 429, "a forged value in front"
    assert status("192.0.2.1, 198.51.100.9") == 200, "another visitor's, forged in front"
    assert status("192.0.2.1:50123") == 429, "a port, as some proxies add it"
    assert status("::ffff:192.0.2.1") == 429, "IPv4 written as IPv6"
    assert status("2001:db8:0:1::1") == 200
    assert status("2001:db8:0:1:ffff::2") == 429, "the same /64"
    assert status("[2001:db8:0:1::3]:443") == 429, "the same /64, with a port"
    assert status("2001:db8:0:2::1") == 200, "another /64"
    assert served.visitor().say("Hello").status == 200, "no header: the peer"
    assert served.visitor().say("Hello").status == 429


def test_behind_two_proxies_the_last_but_one_address_counts(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, TRUSTED_PROXIES=2, LIMIT_NETWORK="1/day")

    def status(address: str) -> int:
        return from_address(address, served.visitor()).status

    assert status("192.0.2.1, 203.0.113.5") == 200
    assert status("192.0.2.1, 203.0.113.6") == 429, "the nearest proxy has several addresses"
    assert status("198.51.100.9, 192.0.2.1, 203.0.113.5") == 429, "a forged value in front"
    assert status("192.0.2.2, 203.0.113.5") == 200


def test_new_visitors_are_rationed_per_network_and_old_ones_are_not(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, LIMIT_NEW_VISITORS="3/day")
    known = served.visitor()
    assert known.request("POST", "/api/chat", b"{").status == 400
    assert known.say("   ").status == 400
    assert known.say("Hello", model="another").status == 400
    assert known.say("x" * 9000).status == 413
    assert known.cookie is None, "a malformed message makes nobody known, and costs nothing"
    assert known.say("Hello").status == 200
    assert known.cookie is not None

    newcomers = [served.visitor() for _ in range(10)]
    replies = in_parallel([lambda one=one: one.say("Hello") for one in newcomers])
    assert statuses(replies) == {200: 2, 429: 8}
    assert sum(one.cookie is not None for one in newcomers) == 2, "a refused newcomer got a cookie"
    assert twin(known).say("Hello").status == 200
    assert len(fake.calls) == 4


def test_a_refusal_says_when_to_come_back_and_that_is_true(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, LIMIT_VISITOR="2/3second;50/day", LIMIT_NETWORK="60/hour")
    visitor = served.visitor()
    replies = [visitor.say("Hello")]
    while replies[-1].status == 200:
        assert len(replies) < 40, "two in three seconds were never enforced"
        replies.append(twin(visitor).say("Hello"))
    refused = replies[-1]
    assert refused.status == 429
    assert refused.headers.get_content_type() == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "retry_after"} == refused.problem.keys()
    assert refused.problem["code"] == "rate_limited"
    assert 1 <= refused.problem["retry_after"] <= 6
    assert refused.headers["Retry-After"] == str(refused.problem["retry_after"])

    for reply, left in ((replies[0], 49), (refused, 50 - len(replies) + 1)):
        limits, policy = reply.headers["RateLimit"], reply.headers["RateLimit-Policy"]
        assert re.fullmatch(f"{ITEM}(?:, {ITEM})*", limits) and re.fullmatch(f"{ITEM}(?:, {ITEM})*", policy)
        assert '"visitor-86400s";q=50;w=86400' in policy and '"network-3600s";q=60;w=3600' in policy
        assert f'"visitor-86400s";r={left};t=' in limits
    assert '"visitor-3s";r=0;t=' in refused.headers["RateLimit"]

    time.sleep(refused.problem["retry_after"])
    assert twin(visitor).say("Hello").status == 200


@pytest.mark.parametrize("uri", ["memory://", "memory://here"])
def test_counting_in_memory_is_refused_with_several_workers(serve: Serve, uri: str) -> None:
    served = serve(wait=False, RATELIMIT_STORAGE_URI=uri, WEB_CONCURRENCY=2)
    assert served.process.wait(60) != 0
    (line,) = served.log.splitlines()
    assert line.startswith("RATELIMIT_STORAGE_URI ") and "workers" in line
    assert "Example: RATELIMIT_STORAGE_URI=" in line


def test_counting_in_memory_is_refused_with_workers_of_the_command_line_too(serve: Serve) -> None:
    served = serve(wait=False, RATELIMIT_STORAGE_URI="memory://", GUNICORN_CMD_ARGS="--workers 3")
    assert served.process.wait(60) != 0
    assert "RATELIMIT_STORAGE_URI is memory://" in served.log and "Traceback" not in served.log
