"""Moderation: inside the call where OpenAI is asked, by its endpoint elsewhere; only `block` minds its outage."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chatbot.errors import Blocked, Busy, Problem
from chatbot.key.credential import Key
from chatbot.key.ring import Ring
from chatbot.model.client import Client
from chatbot.model.cut import Cut
from chatbot.model.events import Call
from chatbot.model.faults import KeyRefused
from chatbot.model.transport import Urllib3Transport
from chatbot.signing import Signer
from tests.conftest import Served, serving
from tests.fake_openai import FakeOpenAI
from tests.visitor import Visitor

APIS = ("responses", "chat_completions")
OLDER = [("user", "An older question"), ("assistant", "and its answer")]
FLAGGED = "Something bad [fake: flagged]"


@dataclass
class Asked:
    """What came of one call: the reply's text, and whether its question was flagged."""

    text: str
    flagged: bool


class Asking:
    """The client of one API against a fake, as OpenAI's own server or as another."""

    def __init__(self, fake: FakeOpenAI, api: str, *, plain: bool) -> None:
        self.fake = fake
        self.client = Client(fake.base_url, api, Ring(), Urllib3Transport(fake.base_url), plain=plain)
        self.key = Key(fake.key, "OPENAI_API_KEY", Signer("the secret of these tests"))

    def ask(self, text: str, mode: str, cut: Cut | None = None) -> Asked:
        call = Call("gpt-6-luna", "Be brief.", [*OLDER, ("user", text)], 64, "v" * 64, "c" * 32, mode)
        if self.fake.compat:
            call = replace(call, model=self.fake.model)
        with closing(self.client.open(call, cut or Cut(), self.key)) as reply:
            said = "".join(batch.text for batch in reply)
            return Asked(said, reply.flagged)

    @property
    def moderated(self) -> list[Any]:
        """What the endpoint was sent."""
        return [json.loads(each.raw)["input"] for each in self.fake.requests if each.path == "/v1/moderations"]


@pytest.fixture(params=APIS)
def own(request: pytest.FixtureRequest, fake: FakeOpenAI) -> Asking:
    return Asking(fake, request.param, plain=False)


@pytest.fixture(params=APIS)
def other(request: pytest.FixtureRequest, fake: FakeOpenAI) -> Asking:
    return Asking(fake, request.param, plain=True)


def test_openai_is_asked_to_block_inside_the_call(own: Asking) -> None:
    with pytest.raises(Blocked) as refused:
        own.ask(FLAGGED, "block")
    assert refused.value.charged == "nothing"
    assert own.ask("Something good", "block").text == own.fake.calls[-1].text
    assert [call.status for call in own.fake.calls] == [400, 200]
    wanted = {"model": "omni-moderation-latest", "policy": {"input": {"mode": "block"}}}
    assert all(call.body["moderation"] == wanted for call in own.fake.calls)
    assert own.moderated == []


def test_openai_scores_beside_the_reply(own: Asking) -> None:
    bad, good = own.ask(FLAGGED, "score"), own.ask("Something good", "score")
    assert (bad.flagged, good.flagged) == (True, False)
    assert bad.text and good.text
    assert {call.body["service_tier"] for call in own.fake.calls} == {"default"}, "the tier whose prices are known"
    assert own.fake.calls[0].body["moderation"]["policy"] == {"input": {"mode": "score"}}
    assert own.moderated == []


def test_without_moderation_nothing_is_looked_at(own: Asking, other: Asking) -> None:
    assert not own.ask(FLAGGED, "off").flagged and not other.ask(FLAGGED, "off").flagged
    assert all("moderation" not in call.body for call in own.fake.calls)
    assert own.moderated == []


def test_where_the_parameter_is_refused_the_endpoint_is_asked_from_then_on(own: Asking) -> None:
    own.fake.fault("error unknown_parameter")
    assert own.ask("Something good", "block").text
    with pytest.raises(Blocked):
        own.ask(FLAGGED, "block")
    assert own.moderated == ["Something good", FLAGGED]
    assert ["moderation" in call.body for call in own.fake.calls] == [True, False]


def test_a_request_that_is_refused_for_another_reason_is_not_asked_for_ever(own: Asking) -> None:
    own.fake.fault("error unknown_parameter", times=5)
    with pytest.raises(Problem) as refused:
        own.ask("Something good", "block")
    assert refused.value.code == "unavailable"
    assert len(own.fake.calls) == 2


def test_elsewhere_the_newest_question_alone_goes_to_the_endpoint_before_the_call(other: Asking) -> None:
    with pytest.raises(Blocked) as refused:
        other.ask(FLAGGED, "block")
    assert refused.value.charged == "nothing"
    assert other.fake.calls == [], "no model was called"
    assert other.ask("Something good", "block").text
    assert other.moderated == [FLAGGED, "Something good"]
    assert "moderation" not in other.fake.calls[0].body, "a server might take it and not heed it"
    keys = {each.headers["authorization"] for each in other.fake.requests}
    assert keys == {f"Bearer {other.fake.key}"}


def test_elsewhere_a_flagged_question_is_answered_and_told_where_it_is_only_scored(other: Asking) -> None:
    bad, good = other.ask(FLAGGED, "score"), other.ask("Something good", "score")
    assert (bad.flagged, good.flagged) == (True, False)
    assert bad.text and good.text and len(other.fake.calls) == 2


@pytest.mark.parametrize("compat", ["vllm", "fastapi"])
@pytest.mark.parametrize("api", APIS)
def test_a_server_that_refuses_openais_parameters_is_moderated_once_a_question(api: str, compat: str) -> None:
    with FakeOpenAI(compat=compat, model="local-model") as fake:
        there = Asking(fake, api, plain=True)
        assert there.ask("Something good", "block").text
        with pytest.raises(Blocked):
            there.ask(FLAGGED, "block")
        assert there.ask(FLAGGED, "score").flagged
        assert there.moderated == ["Something good", FLAGGED, FLAGGED]
        assert all("moderation" not in call.body for call in fake.calls)


OUTAGES = ["unmoderated 503", "unmoderated 500", "unmoderated 404", "unmoderated 400", "unmoderated 429",
           "unmoderated empty", "unmoderated stall 60"]  # fmt: skip


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_endpoint_that_does_not_say_refuses_the_turn_only_where_it_is_to_block(
    fake: FakeOpenAI, outage: str
) -> None:
    there = Asking(fake, "responses", plain=True)
    began = time.monotonic()
    with pytest.raises(Busy) as refused:
        there.ask(f"Good or bad? [fake: {outage}]", "block")
    assert refused.value.retry_after and refused.value.charged == "nothing"
    assert refused.value.cause.startswith("moderation: ")
    assert fake.calls == [], "a question that nobody has looked at went to the model"
    if "stall" not in outage:
        scored = there.ask(f"Good or bad? [fake: {outage}]", "score")
        assert scored.text and not scored.flagged
    assert time.monotonic() - began < 40


def test_an_endpoint_that_is_silent_holds_a_scored_question_up_for_three_seconds_at_most(fake: FakeOpenAI) -> None:
    began = time.monotonic()
    assert Asking(fake, "responses", plain=True).ask("Good or bad? [fake: unmoderated stall 60]", "score").text
    assert time.monotonic() - began < 40


def test_a_server_that_is_down_is_busy() -> None:
    with FakeOpenAI() as gone:
        there = Asking(gone, "responses", plain=True)
    with pytest.raises(Busy):
        there.ask("Hello", "block")


def test_a_key_that_the_endpoint_refuses_gives_way_to_the_next(fake: FakeOpenAI) -> None:
    fake.revoke(fake.key)
    there = Asking(fake, "responses", plain=True)
    for mode in ("block", "score"):
        with pytest.raises(KeyRefused):
            there.ask("Hello", mode)


def test_a_stop_cuts_the_moderation_too(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.model.client.ANSWER_S", 60)  # or its own end could be taken for the cut
    there, cut, began = Asking(fake, "responses", plain=True), Cut(), time.monotonic()
    threading.Thread(target=lambda: fake.wait(lambda: fake.requests) and cut.pull()).start()
    with pytest.raises(Problem):
        there.ask("Hello [fake: unmoderated stall 60]", "score", cut)
    assert time.monotonic() - began < 40


def test_the_cut_of_a_call_lets_go_of_the_moderations_connection(fake: FakeOpenAI) -> None:
    there, cut = Asking(fake, "responses", plain=True), Cut()
    with pytest.raises(Blocked):
        there.ask(FLAGGED, "block", cut)
    cut.pull()
    assert there.ask("Something good", "block").text
    assert fake.wait_idle()


@pytest.fixture(scope="module")
def blocking(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("blocking")) as start:
        yield start(**upstream.env, MODERATION="block")


def test_a_blocked_message_is_a_422_and_calls_no_model(blocking: Served, fake: FakeOpenAI) -> None:
    visitor = blocking.visitor()
    refused = visitor.say(FLAGGED)
    assert (refused.status, refused.problem["code"]) == (422, "blocked")
    assert fake.calls == []
    assert visitor.say("Something good").types[-1] == "finish"


def test_visitors_whose_messages_are_blocked_again_and_again_have_to_wait(blocking: Served, fake: FakeOpenAI) -> None:
    visitor = blocking.visitor()
    assert [visitor.say(FLAGGED).status for _ in range(3)] == [422] * 3
    slowed = visitor.say("Something good")
    assert (slowed.status, slowed.problem["code"]) == (429, "rate_limited")
    assert "against the usage rules" in slowed.problem["detail"]
    assert 500 <= slowed.problem["retry_after"] <= 600
    assert fake.calls == []


def test_each_visitor_has_a_safety_identifier_that_tells_nobody_who_they_are(
    served: Served, fake: FakeOpenAI, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    first, second = served.visitor(), served.visitor()
    for visitor in (first, first, second):
        assert visitor.say("Hello").types[-1] == "finish"
        visitor.chat = Visitor("").chat
    told = [call.body["safety_identifier"] for call in fake.calls]
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in told)
    assert told[0] == told[1] != told[2]
    known = {row["visitor"] for row in rows("SELECT visitor FROM chats")}
    assert known and not any(each in identifier for each in known for identifier in told)
