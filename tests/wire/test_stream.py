"""The stream of one turn: its headers, its chunks in their order, its ids, and listening again."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Served, wait_for
from tests.fake_openai import FakeOpenAI
from tests.visitor import Event, Reply, Visitor, read_events

EMOJI = "[fake: text Naïve 日本語 🎉 and 👍🏽 family 👨‍👩‍👧 done.][fake: delay 5; hold 3]"
HELD = "Hello [fake: tokens 40; hold 5]"  # under way until the test says go_on()


def begin(visitor: Visitor, text: str, deltas: int = 1) -> tuple[http.client.HTTPResponse, list[Event]]:
    """A turn under way: the open response, and its events up to so many deltas."""
    return begin_with(visitor, visitor.body(text), deltas)


def begin_with(visitor: Visitor, body: dict[str, Any], deltas: int = 1) -> tuple[http.client.HTTPResponse, list[Event]]:
    response = visitor.post(body)
    seen: list[Event] = []
    for event in read_events(response):
        seen.append(event)
        deltas -= event.id is not None
        if deltas == 0:
            break
    return response, seen


def rest(response: http.client.HTTPResponse) -> Reply:
    return Reply(response.status, response.headers, list(read_events(response)))


def listen_on(visitor: Visitor, fake: FakeOpenAI, after: str) -> Reply:
    """Listen again to a reply that is held, and let it go on then."""
    response = visitor.open("GET", f"/api/chat/{visitor.chat}/stream", headers={"Last-Event-ID": after})
    fake.go_on()
    return rest(response)


def test_the_headers_are_the_protocols_and_keep_proxies_from_buffering(visitor: Visitor) -> None:
    headers = visitor.say("Hello").headers
    assert headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert headers.get_content_type() == "text/event-stream"
    assert headers.get_content_charset() == "utf-8"
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Content-Encoding"] is None
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_chunks_come_in_the_protocols_order(visitor: Visitor, fake: FakeOpenAI) -> None:
    response, seen = begin(visitor, "Hello [fake: hold 3]")
    fake.go_on()
    reply = Reply(response.status, response.headers, [*seen, *read_events(response)])
    assert reply.events[0].comment is not None, "a comment at once"
    kinds = [kind for position, kind in enumerate(reply.types) if reply.types[position - 1 : position] != [kind]]
    assert kinds == ["start", "text-start", "text-delta", "text-end", "finish"]
    assert reply.types.count("text-delta") > 1, "text comes as it is made"
    assert reply.is_done
    assert reply.text == fake.calls[-1].text
    parts = {chunk["id"] for chunk in reply.chunks if chunk["type"].startswith("text-")}
    assert len(parts) == 1


def test_reasoning_is_a_part_of_its_own_before_the_text(visitor: Visitor) -> None:
    reply = visitor.say("[fake: summary First I think.][fake: delay 5]")
    kinds = [kind for kind in reply.types if not kind.endswith("-delta")]
    assert kinds == ["start", "reasoning-start", "reasoning-end", "text-start", "text-end", "finish"]
    assert reply.reasoning == "First I think."


def test_start_names_the_message_the_model_and_the_question(visitor: Visitor) -> None:
    body = visitor.body("Hello")
    response = visitor.post(body)
    start = rest(response).chunk("start")
    stored = visitor.stored()["messages"]
    assert start["messageId"] == stored[1]["id"]
    told = start["messageMetadata"]
    assert (told["model"], told["questionId"], told["leftOut"]) == ("gpt-6-luna", body["messages"][0]["id"], 0)


def test_finish_tells_usage_cost_and_what_is_left(visitor: Visitor, fake: FakeOpenAI) -> None:
    finish = visitor.say("Hello [fake: cached 3; reasoning 5]").chunk("finish")
    used = fake.calls[-1].usage
    told = finish["messageMetadata"]
    assert finish["finishReason"] == "stop"
    assert told["usage"] == {
        "inputTokens": used.input, "cachedInputTokens": 3, "outputTokens": used.output, "reasoningTokens": 5,
    }  # fmt: skip
    assert told["cost"] == pytest.approx(fake.bill().dollars)
    allowance = told["allowance"]
    assert {standing["scope"] for standing in allowance["limits"]} == {"visitor", "network", "site"}
    assert allowance["messages"] == allowance["limits"][0]
    assert allowance["messages"]["left"] < allowance["messages"]["limit"]


@pytest.mark.parametrize("text", [EMOJI.replace("; hold 3", ""), "Hello [fake: delay 5]"])
def test_the_id_of_each_delta_counts_the_characters_so_far(visitor: Visitor, text: str) -> None:
    reply = visitor.say(text)
    length = 0
    for event in reply.events:
        if event.id is not None:
            length += len(event.data["delta"])
            assert event.id == str(length)
        else:
            assert event.comment is not None or event.data == "[DONE]" or event.data["type"] != "text-delta"
    assert length == len(reply.text) > 0


def test_listening_again_from_an_id_gives_exactly_the_rest(visitor: Visitor, fake: FakeOpenAI) -> None:
    response, seen = begin(visitor, EMOJI)
    response.close()
    last = seen[-1].id
    assert last is not None
    again = listen_on(visitor, fake, last)
    head = Reply(200, response.headers, seen)
    assert again.message_id == head.message_id
    assert head.text + again.text == fake.calls[-1].text
    assert [event.id for event in again.events if event.id][-1] == str(len(fake.calls[-1].text))
    assert again.types[-1] == "finish"
    assert again.events[0].comment is not None


def test_listeners_may_join_at_any_time_and_place(visitor: Visitor, fake: FakeOpenAI) -> None:
    response, _ = begin(visitor, HELD)
    whole = listen_on(visitor, fake, "0")
    assert whole.text == fake.calls[-1].text == "tok " * 40
    response.close()
    response, _ = begin(visitor, HELD)
    beyond = listen_on(visitor, fake, "100000")
    assert (beyond.text, beyond.types[-1]) == ("", "finish")
    response.close()


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "٣", "9" * 5000, ""], ids=ascii)
def test_a_last_event_id_that_is_no_number_is_refused_with_its_name(visitor: Visitor, last: str) -> None:
    response, _ = begin(visitor, HELD)
    again = visitor.listen(**{"Last-Event-ID": last.encode().decode("latin-1")})
    assert (again.status, again.problem["field"]) == (400, "Last-Event-ID")
    response.close()


def test_where_nothing_is_live_there_is_nothing_to_listen_to(visitor: Visitor) -> None:
    visitor.say("Hello")
    answer = visitor.listen()
    assert (answer.status, answer.events, answer.problem) == (204, [], {})


def test_a_dropped_connection_does_not_end_the_reply(visitor: Visitor, fake: FakeOpenAI) -> None:
    response, _ = begin(visitor, HELD)
    response.close()
    fake.go_on()
    wait_for(lambda: not visitor.stored()["live"])
    message = visitor.stored()["messages"][-1]
    assert message["metadata"]["status"] == "complete"
    assert message["parts"] == [{"type": "text", "text": "tok " * 40}]
    assert fake.calls[-1].closed_at is None
    assert len(fake.calls) == 1, "it is not made twice"


def test_a_reload_in_mid_reply_shows_the_text_so_far_and_that_it_is_live(visitor: Visitor, fake: FakeOpenAI) -> None:
    response, _ = begin(visitor, HELD)
    wait_for(lambda: visitor.stored()["messages"][-1]["parts"][0]["text"])
    stored = visitor.stored()
    assert stored["live"]
    assert stored["messages"][-1]["metadata"]["status"] == "streaming"
    fake.go_on()
    assert rest(response).types[-1] == "finish"
    assert not visitor.stored()["live"]


def test_a_failure_before_the_first_byte_is_a_problem_document(visitor: Visitor) -> None:
    reply = visitor.say("Hello [fake: error rate_limit_exceeded; retry-after 30]")
    assert reply.status == 503
    assert reply.headers.get_content_type() == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert set(reply.problem) == {"type", "title", "status", "detail", "code", "retry_after"}
    assert reply.headers["Retry-After"] == "30" == str(reply.problem["retry_after"])


def test_a_later_failure_is_told_in_the_stream_and_then_it_is_done(visitor: Visitor, fake: FakeOpenAI) -> None:
    reply = visitor.say("Hello [fake: cut 5]")
    assert reply.types[-3:] == ["text-end", "data-problem", "error"]
    assert reply.is_done
    problem = reply.chunk("data-problem")
    assert problem["transient"] is True
    assert problem["data"]["code"] == "broken"
    assert reply.chunk("error")["errorText"] == problem["data"]["detail"]
    message = visitor.stored()["messages"][-1]
    assert message["metadata"]["status"] == "failed"
    assert message["metadata"]["problem"] == problem["data"]
    assert message["parts"][0]["text"] == reply.text == fake.calls[-1].text


@pytest.mark.alone
@pytest.mark.parametrize(
    ("directives", "has_text"),
    [("tokens 400; delay 20", True), ("tokens 20; hang 5", True), ("stall-created", False), ("summary T", True)],
)
def test_a_stop_closes_the_upstream_within_a_second_and_keeps_the_text(
    visitor: Visitor, fake: FakeOpenAI, directives: str, has_text: bool
) -> None:
    text = f"Hello [fake: {directives}]" + (" [fake: hold 1]" if directives.startswith("summary") else "")
    response = visitor.post(visitor.body(text))
    events = read_events(response)
    seen = [next(event for event in events if isinstance(event.data, dict) and (event.id or not has_text))]
    assert fake.calls[-1].closed_at is None
    assert visitor.stop().status == 202
    assert fake.wait(lambda: fake.calls[-1].closed_at, 1), "the upstream connection is closed"
    reply = Reply(response.status, response.headers, [*seen, *events])
    assert reply.types[-1] == "abort"
    assert reply.is_done
    message = visitor.stored()["messages"][-1]
    assert message["metadata"]["status"] == "stopped"
    assert message["parts"][-1]["text"] == reply.text
    assert bool(reply.text) == has_text
    assert fake.calls[-1].text.startswith(reply.text)
    assert visitor.say("And now?").types[-1] == "finish", "the chat goes on"


def test_a_reply_can_be_stopped_before_the_upstream_has_answered(visitor: Visitor, fake: FakeOpenAI) -> None:
    visitor.say("Hello")
    found: list[Reply] = []
    asking = threading.Thread(target=lambda: found.append(visitor.say("Hello [fake: stall]")))
    asking.start()
    assert fake.wait(lambda: len(fake.calls) == 2)
    assert visitor.stop().status == 202
    assert fake.wait(lambda: fake.calls[-1].closed_at)
    asking.join(30)
    assert found[0].types[-1] == "abort"
    assert visitor.stored()["messages"][-1]["metadata"]["status"] == "stopped"
    assert len(fake.calls) == 2, "what was stopped is not tried again"


def test_a_stop_where_nothing_is_live_changes_nothing(visitor: Visitor) -> None:
    visitor.say("Hello")
    before = visitor.stored()
    assert visitor.stop().status == 202
    assert visitor.stored() == before


def test_a_second_message_while_a_reply_is_made_is_refused_and_leaves_the_first_alone(
    visitor: Visitor, fake: FakeOpenAI
) -> None:
    response, _ = begin(visitor, HELD)
    second = visitor.say("Me too")
    assert (second.status, second.problem["code"]) == (409, "reply_running")
    assert visitor.say("", trigger="regenerate-message").status == 409
    fake.go_on()
    assert rest(response).types[-1] == "finish"
    assert len(visitor.stored()["messages"]) == 2


def test_other_chats_of_the_visitor_go_on_beside_a_reply(visitor: Visitor, served: Served, fake: FakeOpenAI) -> None:
    response, _ = begin(visitor, HELD)
    other = served.visitor()
    other.cookie = visitor.cookie
    assert other.say("Hello").types[-1] == "finish"
    fake.go_on()
    assert rest(response).types[-1] == "finish"


def test_a_silence_of_ten_seconds_is_filled_with_a_comment(silent_reply: Callable[[], Reply]) -> None:
    reply = silent_reply()
    assert (reply.status, reply.problem) == (200, {})
    comments = [position for position, event in enumerate(reply.events) if event.comment]
    assert len(comments) == 2, f"one at once, one in the silence: {reply.types}"
    first_text = next(position for position, event in enumerate(reply.events) if event.id)
    assert comments[-1] < first_text
    assert reply.types[-1] == "finish"
