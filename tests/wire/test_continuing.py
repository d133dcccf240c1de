"""Going on with an answer that was cut off: its message grows, nothing is said twice, and each round is booked."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import wait_for
from tests.fake_openai import FakeOpenAI
from tests.fake_openai_parts.reply import messages
from tests.visitor import Reply, Visitor, new_id, read_reply
from tests.wire.test_stream import begin, rest

Rows = Callable[..., list[dict[str, Any]]]
CUTS = {
    "too long": "Hello [fake: tokens 4; incomplete 4 max_output_tokens]",
    "cut": "Hello [fake: tokens 9; cut 4]",
    "no end": "Hello [fake: tokens 9; end 4]",
    "broken": "Hello [fake: tokens 9; error-event 4 flat server_error]",
}


def continuing(visitor: Visitor, answer: str, text: str = "what the client has") -> dict[str, Any]:
    """As useChat asks when it has nothing new to say: its list ends with the answer."""
    return visitor.body("", messages=[{"id": answer, "role": "assistant", "parts": [{"type": "text", "text": text}]}])


def go_on(visitor: Visitor, answer: str) -> Reply:
    return read_reply(visitor.post(continuing(visitor, answer)))


def newest(visitor: Visitor) -> dict[str, Any]:
    return dict(visitor.stored()["messages"][-1])


def text_of(message: dict[str, Any]) -> str:
    return str(message["parts"][-1]["text"])


@pytest.mark.parametrize("cut", CUTS)
def test_an_answer_that_was_cut_off_goes_on_in_its_own_message(
    visitor: Visitor, fake: FakeOpenAI, rows: Rows, cut: str
) -> None:
    first = visitor.say(CUTS[cut])
    assert first.text == "tok " * 4
    fake.fault("text , five")
    more = go_on(visitor, first.message_id)
    assert (more.types[-1], more.message_id) == ("finish", first.message_id)
    assert more.text == ", five", "only what is new"
    assert [event.id for event in more.events if event.id][-1] == str(len(first.text + more.text))
    shown = visitor.stored()["messages"]
    assert [message["id"] for message in shown][-1] == first.message_id
    assert (len(shown), text_of(shown[-1])) == (2, first.text + ", five")
    assert (shown[-1]["metadata"]["status"], shown[-1]["metadata"]["finishReason"]) == ("complete", "stop")
    assert "problem" not in shown[-1]["metadata"]


def test_the_model_is_told_what_it_had_said_and_what_is_wanted(visitor: Visitor, fake: FakeOpenAI) -> None:
    visitor.say("[fake: text Before]")
    first = visitor.say(CUTS["too long"])
    go_on(visitor, first.message_id)
    call = fake.calls[-1]
    *_, (asked, question), (spoke, so_far), (then, order) = messages(call.api, call.body)
    assert (asked, spoke, then) == ("user", "assistant", "user")
    assert (question, so_far) == (CUTS["too long"], first.text), "what the client claims is not sent"
    assert "Go on" in order


def test_each_round_is_booked_and_the_message_has_the_sum(visitor: Visitor, fake: FakeOpenAI, rows: Rows) -> None:
    first = visitor.say(CUTS["too long"])
    fake.fault("tokens 3; incomplete 3 max_output_tokens")
    go_on(visitor, first.message_id)
    fake.fault("tokens 2")
    go_on(visitor, first.message_id)
    booked = rows("SELECT * FROM ledger WHERE message = ?", first.message_id)
    (kept,) = rows("SELECT * FROM messages WHERE id = ?", first.message_id)
    assert (len(booked), kept["rounds"], kept["text"]) == (3, 2, "tok " * 9)
    for name in ("cost_nano", "input_tokens", "output_tokens"):
        assert kept[name] == sum(row[name] for row in booked)
    assert sum(row["cost_nano"] for row in booked) == fake.bill().nano_dollars


def test_a_stopped_answer_goes_on_and_who_listens_again_gets_the_whole(visitor: Visitor, fake: FakeOpenAI) -> None:
    response, _ = begin(visitor, "Hello [fake: tokens 400; delay 20; hold 9]")
    visitor.stop()
    rest(response)
    before = text_of(newest(visitor))
    fake.fault("tokens 20; hold 5")
    message = newest(visitor)["id"]
    response = visitor.post(continuing(visitor, message))
    path = f"/api/chat/{visitor.chat}/stream"
    heard = [visitor.open("GET", path, headers={"Last-Event-ID": after}) for after in ("0", "7")]
    fake.go_on()
    again, part = map(rest, heard)
    assert again.text == before + "tok " * 20
    assert part.text == again.text[7:]
    assert rest(response).text == "tok " * 20


def test_reasoning_is_kept_and_not_told_again(visitor: Visitor, fake: FakeOpenAI) -> None:
    fake.fault("[fake: summary I think.][fake: tokens 9; cut 4]")
    first = visitor.say("Hello")
    assert (first.reasoning, first.text) == ("I think.", "tok " * 4)
    fake.fault("[fake: summary And more.][fake: text five]")
    more = go_on(visitor, first.message_id)
    assert (more.reasoning, more.text) == ("And more.", "five")
    assert [part["text"] for part in newest(visitor)["parts"]] == ["I think.\n\nAnd more.", "tok " * 4 + "five"]


def test_what_cannot_go_on_is_left_as_it_is(visitor: Visitor) -> None:
    whole = visitor.say("Hello [fake: text All.]")
    before = visitor.stored()
    refused = go_on(visitor, whole.message_id)
    assert (refused.status, refused.problem["field"]) == (400, "messages")
    unknown = go_on(visitor, new_id())
    assert (unknown.status, unknown.problem["field"]) == (400, "messages")
    assert visitor.stored() == before


def whole_list(visitor: Visitor) -> dict[str, Any]:
    """As useChat sends it, all that it has."""
    return visitor.body("", messages=visitor.stored()["messages"])


def test_a_list_that_is_sent_whole_asks_for_the_rest_and_for_nothing_else(visitor: Visitor, fake: FakeOpenAI) -> None:
    first = visitor.say(CUTS["cut"])
    fake.fault("text five")
    assert read_reply(visitor.post(whole_list(visitor))).message_id == first.message_id
    assert len(fake.calls) == 2


def test_an_answer_that_is_not_the_newest_does_not_go_on(visitor: Visitor, fake: FakeOpenAI) -> None:
    first = visitor.say(CUTS["cut"])
    old_tab = whole_list(visitor)
    visitor.say("Hello")
    before = visitor.stored()
    assert go_on(visitor, first.message_id).status == 400
    assert read_reply(visitor.post(old_tab)).status == 400, "nor is its question asked again"
    assert visitor.stored() == before
    assert len(fake.calls) == 2


def test_a_chat_that_was_deleted_does_not_come_back_by_going_on(visitor: Visitor, fake: FakeOpenAI) -> None:
    visitor.say(CUTS["cut"])
    old_tab = whole_list(visitor)
    assert visitor.request("DELETE", f"/api/chats/{visitor.chat}").status == 204
    assert read_reply(visitor.post(old_tab)).status == 404
    assert len(fake.calls) == 1


def test_who_asks_for_another_answer_gets_another_whatever_the_list_ends_with(visitor: Visitor) -> None:
    first = visitor.say(CUTS["cut"])
    again = read_reply(visitor.post({**whole_list(visitor), "trigger": "regenerate-message"}))
    assert again.message_id != first.message_id


def test_a_question_that_would_be_too_long_today_does_not_keep_its_answer_from_going_on(
    visitor: Visitor, fake: FakeOpenAI
) -> None:
    visitor.say(CUTS["cut"])
    body = whole_list(visitor)
    body["messages"][0]["parts"] = [{"type": "text", "text": "x" * 10_000}]
    assert read_reply(visitor.post(body)).status == 200


def test_a_key_does_not_come_round_by_round(visitor: Visitor, fake: FakeOpenAI, rows: Rows) -> None:
    key = fake.key.removeprefix("sk-proj-")[:48]
    fake.fault(f"[fake: text {key[:11]}][fake: incomplete 11 max_output_tokens]")
    first = visitor.say("Hello")
    for at in (11, 22, 33):
        fake.fault(f"[fake: text {key[at : at + 11]}][fake: incomplete 11 max_output_tokens]")
        go_on(visitor, first.message_id)
    (kept,) = rows("SELECT text FROM messages WHERE id = ?", first.message_id)
    assert kept["text"].startswith(key[:11])
    assert not [at for at in range(36) if key[at : at + 12] in kept["text"]], "what would make it longer is withheld"


def test_somebody_elses_answer_does_not_go_on(visitor: Visitor, served: Any) -> None:
    first = visitor.say(CUTS["cut"])
    stranger = served.visitor()
    stranger.chat = visitor.chat
    assert go_on(stranger, first.message_id).status == 404


def test_two_tabs_that_go_on_at_once_make_one_call(visitor: Visitor, fake: FakeOpenAI) -> None:
    first = visitor.say(CUTS["cut"])
    fake.fault("tokens 30; hold 5", times=2)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(go_on, visitor, first.message_id) for _ in range(2)]
        wait_for(lambda: len(fake.calls) > 1 and any(each.done() for each in asked))
        fake.go_on()
        both = [each.result() for each in asked]
    assert sorted(reply.status for reply in both) == [200, 409]
    assert text_of(newest(visitor)) == first.text + "tok " * 30


def test_a_round_that_fails_before_it_begins_costs_nothing_that_was_said(visitor: Visitor, fake: FakeOpenAI) -> None:
    first = visitor.say(CUTS["too long"])
    fake.fault("error model_not_found")
    assert go_on(visitor, first.message_id).status == 503
    assert text_of(newest(visitor)) == first.text
    fake.fault("text , and so on")
    assert go_on(visitor, first.message_id).text == ", and so on"
    assert text_of(newest(visitor)) == first.text + ", and so on"


def test_the_whole_of_a_cut_answer_can_also_be_asked_for_again(visitor: Visitor) -> None:
    first = visitor.say(CUTS["cut"])
    again = visitor.say("", trigger="regenerate-message", messageId=first.message_id)
    assert again.message_id != first.message_id
    assert newest(visitor)["metadata"]["versions"] == [first.message_id, again.message_id]
