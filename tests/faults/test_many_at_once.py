"""Hundreds of replies at once, each with a fault drawn by lot: every one ends, in our words, and none is left open."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, FakeOpenAI
from tests.faults.asked import assert_nothing_leaks, pauses, rows
from tests.faults.conftest import APIS, serving_threads
from tests.visitor import Reply, read_events, read_reply

SEED = 20261122
ENDINGS = ("finish", "abort", "error")
STATUSES = (413, 422, 503)
SLOW = ("huge-line-8", "endless")  # one of each is enough, and has its own test
QUICK = [
    fault
    for fault in [*FAULTS_BEFORE, *FAULTS_DURING]
    if fault.hint != "timeout" and str(fault) not in SLOW and not pauses(fault)
]
PATIENCE_S = 60


def have_many(served: Served, fake: FakeOpenAI, api: str, count: int, at_once: int) -> None:
    """Ask `count` times; now and then a visitor stops the reply, or goes away. Asserts what holds for each and all."""
    lots = random.Random(f"{SEED} {api}")
    faults = [fault for fault in QUICK if api in fault.apis]
    plans = [(lots.choice(faults), lots.random()) for _ in range(count)]

    def have(plan: tuple[object, float]) -> Reply | None:
        fault, lot = plan
        visitor = served.visitor()
        visitor.timeout_s = PATIENCE_S
        if lot < 0.1:
            response = visitor.post(visitor.body(f"Hello [fake: tokens {200 if lot < 0.05 else 4000}; delay 20]"))
            events = read_events(response)
            next(events)
            if lot < 0.05:  # goes away
                response.close()
                return None
            next(event for event in events if event.id)
            assert visitor.stop().status == 202
            reply = Reply(response.status, response.headers, list(events))
            assert reply.types[-1] == "abort"
            return reply
        return read_reply(visitor.post(visitor.body(fault.message)))  # type: ignore[attr-defined]

    with ThreadPoolExecutor(at_once) as pool:
        replies = list(pool.map(have, plans))
    for (fault, _), reply in zip(plans, replies, strict=True):
        if reply is None:
            continue
        if reply.status == 200:
            assert reply.is_done, fault
            assert reply.types[-1] in ENDINGS, fault
        else:
            assert reply.status in STATUSES, fault
            assert reply.problem["code"] in ("unavailable", "busy", "broken", "too_long", "blocked"), fault
        said = f"{reply.chunks} {reply.problem} {reply.headers}"
        assert "Traceback" not in said
        assert_nothing_leaks(said, fake)
    streaming = "SELECT count(*) AS n FROM messages WHERE status = 'streaming'"
    wait_for(lambda: rows(served, streaming)[0]["n"] == 0, PATIENCE_S, "a message is left streaming")
    stored = rows(served, "SELECT count(*) AS n FROM messages WHERE role = 'assistant'")
    assert stored[0]["n"] == count
    assert "Traceback" not in served.log
    assert "defect" not in served.log
    assert_nothing_leaks(served.log, fake)
    again = served.visitor().say("Hello")
    assert again.status == 200, again.problem
    assert again.types[-1] == "finish"
    assert served.visitor().get("/readyz").status == 200, "one good answer, and the key counts as good"


@pytest.mark.parametrize("api", APIS)
def test_hundreds_of_faulty_replies_on_one_worker_all_end(fake: FakeOpenAI, tmp_path: Path, api: str) -> None:
    with serving(tmp_path) as start:
        served = start(**fake.env, OPENAI_API=APIS[api], WEB_CONCURRENCY=1)
        have_many(served, fake, api, count=250, at_once=40)


def test_faulty_replies_made_by_threads_all_end(fake: FakeOpenAI, tmp_path: Path) -> None:
    with serving_threads(tmp_path, **fake.env) as served:
        have_many(served, fake, "responses", count=60, at_once=20)
