"""A reply whose process ends: kept at a deploy, not lost with a killed worker, and told to those who follow it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import islice
from typing import Any

from tests.conftest import Served, wait_for
from tests.fake_openai import FakeOpenAI
from tests.visitor import Reply, Visitor, read_events
from tests.wire.conftest import read_rows
from tests.wire.test_stream import begin, rest

Serve = Callable[..., Served]
LONG = "Hello [fake: tokens 4000; delay 20]"


def answer(served: Served, visitor: Visitor) -> dict[str, Any]:
    """The newest answer as the database keeps it."""
    query = "SELECT * FROM messages WHERE chat = ? AND role = 'assistant' ORDER BY created_at DESC LIMIT 1"
    return read_rows(served, query, visitor.chat)[0]


def age(served: Served, visitor: Visitor) -> None:
    """Let half a minute pass since the heartbeat of what is being made."""
    change = "UPDATE messages SET heartbeat_at = heartbeat_at - 31000 WHERE chat = ? AND status = 'streaming'"
    read_rows(served, change, visitor.chat)


def test_a_deploy_keeps_the_text_of_what_it_cannot_wait_for(serve: Serve, fake: FakeOpenAI) -> None:
    """Whether somebody hears it or not."""
    served = serve(**fake.env, GUNICORN_CMD_ARGS="--graceful-timeout 6")
    heard, unheard = served.visitor(), served.visitor()
    response, _ = begin(heard, LONG, deltas=5)
    begin(unheard, LONG, deltas=5)[0].close()
    served.process.send_signal(signal.SIGTERM)
    assert rest(response).types[-1] == "abort", "the listener is told"
    assert served.process.wait(30) == 0
    for visitor in (heard, unheard):
        message = answer(served, visitor)
        assert message["status"] == "interrupted"
        assert message["text"].startswith("tok tok tok ")
    assert read_rows(served, "SELECT id FROM messages WHERE status = 'streaming'") == []
    assert fake.wait(lambda: all(call.closed_at for call in fake.calls))
    assert "Traceback" not in served.log


def test_the_reply_of_a_killed_worker_is_shown_with_its_text_as_interrupted(serve: Serve, fake: FakeOpenAI) -> None:
    served = serve(**fake.env)
    visitor = served.visitor()
    begin(visitor, LONG, deltas=5)[0].close()
    wait_for(lambda: answer(served, visitor)["text"], 30)
    [worker] = served.workers()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: served.workers() and served.workers() != [worker], 30, "a new worker")
    wait_for(lambda: visitor.get("/readyz").status == 200, 30)
    assert visitor.stored()["live"], "for half a minute it may still be somebody's"
    assert visitor.say("Go on").status == 409
    age(served, visitor)
    stored = visitor.stored()
    message = stored["messages"][-1]
    assert not stored["live"]
    assert message["metadata"]["status"] == "interrupted"
    assert message["parts"][-1]["text"].startswith("tok tok ")
    assert visitor.listen().status == 204
    wait_for(lambda: answer(served, visitor)["status"] == "interrupted", 30, "the new worker marks it")
    assert visitor.say("Go on").types[-1] == "finish"
    assert fake.wait(lambda: fake.calls[0].closed_at)


def test_one_who_follows_a_killed_workers_reply_is_told_its_end(
    serve: Serve, upstream: FakeOpenAI, served: Served, visitor: Visitor
) -> None:
    """From another machine."""
    dying, here = serve(**upstream.env, DATABASE_URL=served.database), visitor
    assert here.get("/api/me").status == 200
    there = Visitor(dying.url)
    there.cookie, there.chat = here.cookie, here.chat
    begin(there, LONG, deltas=5)[0].close()
    following = here.open("GET", f"/api/chat/{here.chat}/stream")
    events = read_events(following)
    head = list(islice((event for event in events if event.id), 1))
    dying.kill()
    age(served, here)
    reply = Reply(200, following.headers, [*head, *events])
    assert reply.types[-1] == "abort"
    assert reply.chunk("abort")["reason"] == "interrupted"
    assert reply.text == answer(served, here)["text"] != ""
