"""Editing and answering again make new versions beside the old: messages form a tree, and nothing is overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Served
from tests.fake_openai import FakeOpenAI
from tests.fake_openai_parts.reply import messages
from tests.visitor import Visitor, new_id, read_reply
from tests.wire.test_stream import begin

Rows = Callable[..., list[dict[str, Any]]]


def tree(rows: Rows, visitor: Visitor) -> dict[str, list[str]]:
    """The texts of a chat's messages by the text of their parent ("" for none), in the order they were made."""
    found = rows("SELECT id, parent, text FROM messages WHERE chat = ? ORDER BY created_at, role DESC", visitor.chat)
    texts = {row["id"]: row["text"] for row in found}
    children: dict[str, list[str]] = {}
    for row in found:
        children.setdefault(texts.get(row["parent"], ""), []).append(row["text"])
    return children


def ask(visitor: Visitor, text: str, **members: Any) -> tuple[str, str]:
    """Ask so that the reply echoes nothing odd; the ids of the question and the answer."""
    reply = visitor.say(text, **members)
    assert reply.types[-1] == "finish", reply.problem
    return reply.chunk("start")["messageMetadata"]["questionId"], reply.message_id


def shown(visitor: Visitor) -> list[str]:
    return [message["id"] for message in visitor.stored()["messages"]]


def sent(fake: FakeOpenAI) -> list[str]:
    call = fake.calls[-1]
    return [text for role, text in messages(call.api, call.body) if role == "user"]


def test_turns_follow_each_other(visitor: Visitor, rows: Rows) -> None:
    first, then = ask(visitor, "[fake: text A1]"), ask(visitor, "[fake: text A2]")
    assert shown(visitor) == [*first, *then]
    assert tree(rows, visitor) == {
        "": ["[fake: text A1]"], "[fake: text A1]": ["A1"], "A1": ["[fake: text A2]"], "[fake: text A2]": ["A2"],
    }  # fmt: skip


def test_regenerating_makes_another_answer_beside_the_old(visitor: Visitor, rows: Rows, fake: FakeOpenAI) -> None:
    question, old = ask(visitor, "[fake: text A1]")
    again, new = ask(visitor, "", trigger="regenerate-message", messageId=old)
    assert again == question
    assert new != old
    assert tree(rows, visitor) == {"": ["[fake: text A1]"], "[fake: text A1]": ["A1", "A1"]}
    assert shown(visitor) == [question, new]
    assert sent(fake) == ["[fake: text A1]"]


def test_regenerating_without_a_name_means_the_newest(visitor: Visitor) -> None:
    ask(visitor, "One")
    question, old = ask(visitor, "Two")
    again, new = ask(visitor, "", trigger="regenerate-message")
    assert (again, new != old) == (question, True)
    assert len(shown(visitor)) == 4


def test_regenerating_an_earlier_answer_branches_there(visitor: Visitor, rows: Rows, fake: FakeOpenAI) -> None:
    first, old = ask(visitor, "[fake: text A1]")
    ask(visitor, "[fake: text A2]")
    again, new = ask(visitor, "", trigger="regenerate-message", messageId=old)
    assert again == first
    assert shown(visitor) == [first, new]
    assert sent(fake) == ["[fake: text A1]"]
    assert len(rows("SELECT id FROM messages WHERE chat = ?", visitor.chat)) == 5


def test_a_question_named_for_regeneration_is_answered_again(visitor: Visitor) -> None:
    question, old = ask(visitor, "One")
    again, new = ask(visitor, "", trigger="regenerate-message", messageId=question)
    assert (again, new != old) == (question, True)


def test_editing_makes_another_question_beside_the_old(visitor: Visitor, rows: Rows, fake: FakeOpenAI) -> None:
    first, _ = ask(visitor, "[fake: text A1]")
    ask(visitor, "[fake: text A2]")
    edited, answer = ask(visitor, "[fake: text A3]", messageId=first)
    assert edited != first
    assert shown(visitor) == [edited, answer]
    assert sent(fake) == ["[fake: text A3]"], "what stood below the old question is not sent"
    assert tree(rows, visitor) == {
        "": ["[fake: text A1]", "[fake: text A3]"],
        "[fake: text A1]": ["A1"], "A1": ["[fake: text A2]"], "[fake: text A2]": ["A2"], "[fake: text A3]": ["A3"],
    }  # fmt: skip


def test_editing_a_later_question_keeps_what_stands_above_it(visitor: Visitor, fake: FakeOpenAI) -> None:
    first = ask(visitor, "[fake: text A1]")
    second, _ = ask(visitor, "[fake: text A2]")
    edited = ask(visitor, "[fake: text A3]", messageId=second)
    assert shown(visitor) == [*first, *edited]
    assert sent(fake) == ["[fake: text A1]", "[fake: text A3]"]


def test_a_message_sent_under_the_id_of_an_earlier_question_edits_it(visitor: Visitor, rows: Rows) -> None:
    """As useChat does: the edited message keeps its id in the list."""
    first, _ = ask(visitor, "[fake: text A1]")
    message = {"id": first, "role": "user", "parts": [{"type": "text", "text": "[fake: text A2]"}]}
    edited, _ = ask(visitor, "", messages=[message], messageId=first)
    twin, _ = ask(visitor, "", messages=[message])
    assert len({first, edited, twin}) == 3
    assert tree(rows, visitor)[""] == ["[fake: text A1]", "[fake: text A2]", "[fake: text A2]"]


def test_the_clients_name_for_a_question_is_kept_where_it_is_sound(visitor: Visitor) -> None:
    name = new_id()
    message = {"id": name, "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    assert ask(visitor, "", messages=[message])[0] == name
    odd = {**message, "id": "../odd"}
    assert ask(visitor, "", messages=[odd])[0] not in ("../odd", name)


@pytest.mark.parametrize("trigger", ["submit-message", "regenerate-message"])
def test_a_message_that_does_not_exist_can_be_neither_edited_nor_answered(visitor: Visitor, trigger: str) -> None:
    ask(visitor, "One")
    before = visitor.stored()
    reply = visitor.say("Two", trigger=trigger, messageId=new_id())
    assert (reply.status, reply.problem["field"]) == (404, "messageId")
    assert visitor.stored() == before


def test_a_message_of_another_chat_can_be_neither_edited_nor_answered(visitor: Visitor) -> None:
    question, answer = ask(visitor, "One")
    visitor.chat = new_id()
    ask(visitor, "Two")
    assert visitor.say("Three", messageId=question).status == 404
    assert visitor.say("", trigger="regenerate-message", messageId=answer).status == 404


def test_an_answer_cannot_be_edited(visitor: Visitor) -> None:
    _, answer = ask(visitor, "One")
    reply = visitor.say("Two", messageId=answer)
    assert (reply.status, reply.problem["field"]) == (400, "messageId")


def test_a_chat_that_does_not_exist_has_nothing_to_answer_again(visitor: Visitor) -> None:
    assert visitor.say("", trigger="regenerate-message").status == 404


def test_an_answer_to_a_question_that_was_never_stored_is_an_answer_to_it(
    serve: Callable[..., Served], fake: FakeOpenAI
) -> None:
    visitor = serve(**fake.env).visitor()
    refused = visitor.body("Never stored [fake: text new]", trigger="regenerate-message")
    assert read_reply(visitor.post(refused)).text == "new"  # the chat's first question
    visitor.say("Second [fake: text two]")
    refused = visitor.body("Third [fake: text three]", trigger="regenerate-message")
    assert read_reply(visitor.post(refused)).text == "three"
    assert read_reply(visitor.post({**refused, "messages": refused["messages"]})).text == "three"
    shown = [message["parts"][-1]["text"] for message in visitor.stored()["messages"]]
    assert shown[2:] == ["Second [fake: text two]", "two", "Third [fake: text three]", "three"]


def texts(visitor: Visitor) -> list[str]:
    return [message["parts"][-1]["text"] for message in visitor.stored()["messages"]]


def choose(visitor: Visitor, message: str) -> Any:
    return visitor.request("PATCH", f"/api/chats/{visitor.chat}", json.dumps({"head": message}).encode())


def test_versions_are_told_and_can_be_chosen(visitor: Visitor) -> None:
    first, old = ask(visitor, "[fake: text A1]")
    ask(visitor, "[fake: text A2]")
    _, new = ask(visitor, "", trigger="regenerate-message", messageId=old)
    edited, _ = ask(visitor, "[fake: text A3]", messageId=first)
    assert texts(visitor) == ["[fake: text A3]", "A3"]
    assert visitor.stored()["messages"][0]["metadata"]["versions"] == [first, edited]
    chosen = choose(visitor, first)
    assert chosen.status == 200
    assert chosen.json() == visitor.stored()
    assert texts(visitor) == ["[fake: text A1]", "A1"], "down to the newest answer below"
    assert visitor.stored()["messages"][1]["metadata"]["versions"] == [old, new]
    choose(visitor, old)
    assert texts(visitor) == ["[fake: text A1]", "A1", "[fake: text A2]", "A2"]
    ask(visitor, "[fake: text A4]")
    assert texts(visitor)[-2:] == ["[fake: text A4]", "A4"], "the chat goes on from what is read"
    choose(visitor, edited)
    assert texts(visitor) == ["[fake: text A3]", "A3"]


def test_only_a_version_that_is_there_can_be_chosen(visitor: Visitor, served: Served) -> None:
    _, answer = ask(visitor, "One")
    before = visitor.stored()
    assert choose(visitor, new_id()).status == 404
    stranger = served.visitor()
    stranger.chat = visitor.chat
    assert choose(stranger, answer).status == 404
    mine = visitor.chat
    visitor.chat = new_id()
    other, _ = ask(visitor, "Two")
    visitor.chat = mine
    assert choose(visitor, other).status == 404
    assert visitor.stored() == before


def test_no_version_is_chosen_while_an_answer_is_made(visitor: Visitor) -> None:
    _, old = ask(visitor, "[fake: text A1]")
    response, _ = begin(visitor, "Hello [fake: tokens 200; hold 5]")
    assert choose(visitor, old).status == 409
    visitor.stop()
    response.read()


def test_the_messages_above_one_can_be_read(visitor: Visitor) -> None:
    first, second = ask(visitor, "One"), ask(visitor, "Two")
    above = visitor.get(f"/api/chats/{visitor.chat}?before={second[0]}").json()
    assert [message["id"] for message in above["messages"]] == [*first]
    assert (above["earlier"], above["live"]) == (False, False)
    assert visitor.get(f"/api/chats/{visitor.chat}?before={new_id()}").status == 404
