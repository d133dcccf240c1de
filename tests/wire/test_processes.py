"""A reply and the processes around it: followed from another one, kept at a deploy, not lost with a killed worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.visitor import Reply, Visitor
from tests.wire.conftest import read_rows
from tests.wire.test_stream import begin, rest

Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def pair(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two servers on one database, as two machines would be."""
    with serving(tmp_path_factory.mktemp("pair")) as start:
        yield start(**upstream.env), start(**upstream.env)


@pytest.fixture
def both(pair: tuple[Served, Served], fake: FakeOpenAI) -> tuple[Visitor, Visitor]:
    """One visitor at both servers; the cookie of the first holds at the second."""
    here, there = pair[0].visitor(), pair[1].visitor()
    assert here.say("Hello").types[-1] == "finish"
    there.cookie, there.chat = here.cookie, here.chat
    return here, there


def answer(served: Served, visitor: Visitor) -> dict[str, Any]:
    """The newest answer as the database keeps it."""
    query = "SELECT * FROM messages WHERE chat = ? AND role = 'assistant' ORDER BY created_at DESC LIMIT 1"
    return read_rows(served, query, visitor.chat)[0]


def age(served: Served, visitor: Visitor) -> None:
    """Let half a minute pass since the heartbeat of what is being made."""
    change = "UPDATE messages SET heartbeat_at = heartbeat_at - 31000 WHERE chat = ? AND status = 'streaming'"
    read_rows(served, change, visitor.chat)


def test_a_reply_made_by_another_process_is_followed_to_its_end(
    both: tuple[Visitor, Visitor], fake: FakeOpenAI
) -> None:
    here, there = both
    response, seen = begin(here, "Hello [fake: tokens 80; delay 25]")
    whole = there.listen()
    resumed_from = 12
    assert whole.types[-1] == "finish"
    assert whole.text == fake.calls[-1].text == "tok " * 80
    assert whole.message_id == Reply(200, response.headers, seen).message_id
    response.close()
    assert [event.id for event in whole.events if event.id][-1] == "320"
    response, _ = begin(here, "Again [fake: tokens 40; delay 25]")
    part = there.listen(**{"Last-Event-ID": str(resumed_from)})
    assert part.text == ("tok " * 40)[resumed_from:]
    response.close()


def test_a_reply_made_by_another_process_can_be_stopped(
    pair: tuple[Served, Served], both: tuple[Visitor, Visitor], fake: FakeOpenAI
) -> None:
    here, there = both
    response, _ = begin(here, "Hello [fake: tokens 400; delay 25]")
    assert there.stop().status == 202
    reply = rest(response)
    assert reply.types[-1] == "abort"
    assert fake.wait(lambda: fake.calls[-1].closed_at, 1)
    assert answer(pair[0], here)["status"] == "stopped"


def test_while_another_process_answers_a_second_message_is_refused(both: tuple[Visitor, Visitor]) -> None:
    here, there = both
    response, _ = begin(here, "Hello [fake: tokens 40; delay 25]")
    assert there.say("Me too").status == 409
    assert rest(response).types[-1] == "finish"


def test_whichever_of_several_workers_is_asked_the_reply_is_the_same(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, WEB_CONCURRENCY=2)
    assert len(served.workers()) == 2
    visitor = served.visitor()
    response, _ = begin(visitor, "Hello [fake: tokens 80; delay 25]")
    with ThreadPoolExecutor(12) as pool:
        heard = list(pool.map(lambda _: visitor.listen(), range(12)))
    assert [reply.text for reply in heard] == ["tok " * 80] * 12
    assert {reply.types[-1] for reply in heard} == {"finish"}
    response.close()
    for _ in range(4):
        response, _ = begin(visitor, "Hello [fake: tokens 400; delay 25]")
        assert visitor.stop().status == 202
        assert rest(response).types[-1] == "abort"


def test_a_deploy_lets_a_reply_finish_that_somebody_hears(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env)
    visitor = served.visitor()
    response, seen = begin(visitor, "Hello [fake: tokens 60; delay 25]")
    served.process.send_signal(signal.SIGTERM)
    reply = rest(response)
    assert reply.types[-1] == "finish"
    assert Reply(200, response.headers, seen).text + reply.text == "tok " * 60
    assert served.process.wait(10) == 0
    assert answer(served, visitor)["status"] == "complete"


def test_a_deploy_keeps_the_text_of_what_it_cannot_wait_for(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env, GUNICORN_CMD_ARGS="--graceful-timeout 6")
    heard, unheard = served.visitor(), served.visitor()
    response, _ = begin(heard, "Hello [fake: tokens 4000; delay 20]", deltas=5)
    begin(unheard, "Hello [fake: tokens 4000; delay 20]", deltas=5)[0].close()
    served.process.send_signal(signal.SIGTERM)
    assert rest(response).types[-1] == "abort", "the listener is told"
    assert served.process.wait(15) == 0
    for visitor in (heard, unheard):
        message = answer(served, visitor)
        assert message["status"] == "interrupted"
        assert message["text"].startswith("tok tok tok ")
    assert read_rows(served, "SELECT id FROM messages WHERE status = 'streaming'") == []
    assert fake.wait(lambda: all(call.closed_at for call in fake.calls), 1)
    assert "Traceback" not in served.log
    again = serve(**fake.env)
    heard.url = again.url
    assert heard.stored()["messages"][-1]["metadata"]["status"] == "interrupted"
    assert heard.say("Go on").types[-1] == "finish"


def test_the_reply_of_a_killed_worker_is_shown_with_its_text_as_interrupted(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env)
    visitor = served.visitor()
    begin(visitor, "Hello [fake: tokens 4000; delay 20]", deltas=5)[0].close()
    wait_for(lambda: answer(served, visitor)["text"], 5)
    [worker] = served.workers()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: served.workers() and served.workers() != [worker], 10, "a new worker")
    wait_for(lambda: visitor.get("/readyz").status == 200, 20)
    assert visitor.stored()["live"], "for half a minute it may still be somebody's"
    assert visitor.say("Go on").status == 409
    age(served, visitor)
    stored = visitor.stored()
    message = stored["messages"][-1]
    assert not stored["live"]
    assert message["metadata"]["status"] == "interrupted"
    assert message["parts"][-1]["text"].startswith("tok tok ")
    assert visitor.listen().status == 204
    wait_for(lambda: answer(served, visitor)["status"] == "interrupted", 10, "the new worker marks it")
    assert visitor.say("Go on").types[-1] == "finish"
    assert fake.wait(lambda: fake.calls[0].closed_at, 1)


def test_one_who_follows_a_killed_workers_reply_is_told_its_end(
    serve: Serve, upstream: FakeOpenAI, pair: tuple[Served, Served], both: tuple[Visitor, Visitor]
) -> None:
    dying = serve(**upstream.env, DATABASE_URL=pair[0].database)
    here, there = both
    here.url = dying.url
    begin(here, "Hello [fake: tokens 4000; delay 20]", deltas=5)[0].close()
    wait_for(lambda: answer(pair[0], here)["text"], 5)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(there.listen)
        time.sleep(0.7)
        os.killpg(dying.process.pid, signal.SIGKILL)
        age(pair[0], here)
        reply = following.result(10)
    assert reply.types[-1] == "abort"
    assert reply.chunk("abort")["reason"] == "interrupted"
    assert reply.text == answer(pair[0], here)["text"] != ""
