"""Listening again: wherever a listener is cut, and wherever it listens again, it hears the reply whole and once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice

import pytest

from tests.conftest import Served, serving, wait_for, wait_until_ready
from tests.fake_openai import Call, FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S, calls_of, new_database
from tests.visitor import Event, Reply, Visitor, read_events

THOUGHTS = "First I think 🤔, 考えて, then I speak."
TEXT = (
    "Naïve café: 日本語 の テキスト 🎉 👍🏽 and the family 👨‍👩‍👧‍👦 of 🇯🇵 nul \0 nuls \0\0 **bold** `code` 𝕬 𝕭 𝕮 "
    "עברית العربية e\u0301 \u2028 \ufffd <b> & \" ' \\ \\n data: id: : {} [DONE] 한국어 ไทย a b c d e f g h end.\n\n"
)
LONG = f"[fake: summary {THOUGHTS}][fake: delay 25; raw-utf8; split-utf8; comments]"
HALVES = "[fake: surrogates; delay 60]"
EARLY = 4  # events that come before any text
AWAY_S = 0.06  # more than a word of the reply comes meanwhile
ENDS = ("finish", "abort", "error")


@dataclass
class Places:
    """Where a reply is asked for, and where it is listened to again."""

    here: Served
    there: Served
    fake: FakeOpenAI
    is_shared: bool  # by several workers: any of them may be asked, and those that only follow tell less often

    def visitors(self) -> tuple[Visitor, Visitor]:
        """One visitor at both."""
        here, there = self.here.visitor(), self.there.visitor()
        assert here.get("/api/me").status == 200
        there.cookie, there.chat = here.cookie, here.chat
        return here, there

    def call(self, visitor: Visitor) -> Call:
        """The one call that was made for this visitor's chat."""
        (call,) = calls_of(self.fake, visitor.chat)
        return call


@pytest.fixture(scope="module", params=["the same", "two workers", "another machine", "another machine, PostgreSQL"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    variables: dict[str, object] = {"SECRET_KEY": SECRET}
    if "PostgreSQL" in request.param:
        variables["DATABASE_URL"] = new_database(request.getfixturevalue("postgres_url"))
    with FakeOpenAI() as fake, serving(tmp_path_factory.mktemp("places")) as start:
        fake.default_text = TEXT
        variables["WEB_CONCURRENCY"] = 2 if request.param == "two workers" else 1
        servers = [start(wait=False, **fake.env, **variables) for _ in range(1 + request.param.startswith("another"))]
        for served in servers:
            wait_until_ready(served)
        yield Places(servers[0], servers[-1], fake, request.param == "two workers")


def spoken(call: Call) -> str:
    """What all must hear: a NUL, which PostgreSQL cannot keep, is the same replacement for everybody."""
    return call.text.replace("\0", "\ufffd")


def last_id(events: list[Event]) -> dict[str, str]:
    """The header of one who listens again after these."""
    found = next((event.id for event in reversed(events) if event.id), None)
    return {"Last-Event-ID": found} if found else {}


def is_whole(visitor: Visitor, call: Call) -> bool:
    """Does the chat hold the question and its whole answer, once?"""
    question, answer = visitor.stored()["messages"]
    text = answer["parts"][-1]["text"]
    return (question["role"], answer["metadata"]["status"], text) == ("user", "complete", spoken(call))


@dataclass
class Cut:
    head: Reply
    again: Reply
    is_whole: bool


class Cutter:
    """Listens to a reply in one place, and again in the other; knows how often it has come so far."""

    def __init__(self, places: Places, here: Visitor, there: Visitor) -> None:
        self._places, self._here, self._there = places, here, there
        self.heads, self.early = list[int](), list[int]()

    def cut(self, at: int) -> Cut:
        """Break the connection after so many events, and listen again, at once or later."""
        response = self._here.open("GET", f"/api/chat/{self._here.chat}/stream")
        self.heads.append(at)
        head = Reply(response.status, response.headers, list(islice(read_events(response), at)))
        response.close()
        time.sleep(at % 3 * AWAY_S)
        response = self._there.open("GET", f"/api/chat/{self._there.chat}/stream", headers=last_id(head.events))
        if at <= EARLY:
            self.early.append(at)
        again = Reply(response.status, response.headers, list(read_events(response)))
        return Cut(head, again, is_whole(self._there, self._places.call(self._there)))


@pytest.mark.parametrize(
    ("directives", "most"), [(f"{LONG}[fake: hold 30]", 70), (f"{HALVES}[fake: hold 4]", 15)],
    ids=["long", "halves of characters"],
)  # fmt: skip
def test_a_listener_cut_at_any_event_hears_the_rest_and_nothing_twice(
    places: Places, directives: str, most: int
) -> None:
    here, there = places.visitors()
    response = here.post(here.body(f"{here.chat} {directives}[fake: first 1.5]"))
    asker = Reply(response.status, response.headers, list(islice(read_events(response), 2)))
    response.close()
    cutter = Cutter(places, here, there)
    with ThreadPoolExecutor(most) as pool:
        cutting = [pool.submit(cutter.cut, at) for at in range(most)]
        wait_for(lambda: len(cutter.heads) == most and len(cutter.early) > EARLY, PATIENCE_S)
        places.fake.go_on()
        cuts = [each.result() for each in cutting]
    call = places.call(here)
    text = spoken(call)
    assert call.closed_at is None, "the upstream's connection was kept"
    assert is_whole(here, call) and is_whole(there, call)
    for each in cuts:
        assert each.head.status == 200
        assert each.is_whole, "once there is nothing more to hear"
        if each.again.status == 204:
            assert not each.again.events
            assert text.startswith(each.head.text)
            continue
        heard = each.head.text if last_id(each.head.events) else ""
        assert heard + each.again.text == text
        assert each.again.reasoning == call.thoughts
        assert [kind for kind in each.again.types if kind in ENDS] == ["finish"] and each.again.is_done
        assert each.again.events[0].comment is not None, "a comment at once"
        assert each.again.message_id == asker.message_id
    whole = cuts[-1].head
    assert whole.is_done and (whole.text, whole.reasoning) == (text, call.thoughts), "there are no more events"
    assert len({str(last_id(each.head.events)) for each in cuts}) > 2, "they were cut in several places"
    assert sum(each.again.status == 200 for each in cuts) > EARLY, "and many of them in mid-reply"


def test_a_listener_cut_at_each_event_in_turn_still_hears_all(places: Places) -> None:
    visitors = places.visitors()
    visitors[0].post(visitors[0].body(f"{visitors[0].chat} {LONG}[fake: hold 8 16 24 32]")).close()
    heard: list[Event] = []
    cuts = 0
    for visitor in cycle(visitors):
        response = visitor.open("GET", f"/api/chat/{visitor.chat}/stream", headers=last_id(heard))
        if response.status == 204:
            break
        for event in read_events(response):
            heard.append(event)
            if event.id:
                break
        response.close()
        places.fake.go_on()
        cuts += 1
    call, reply = places.call(visitors[0]), Reply(200, response.headers, heard)
    assert spoken(call).startswith(reply.text) and reply.text
    assert cuts > 3, "it was cut in mid-reply"
    assert len({chunk["messageId"] for chunk in reply.chunks if chunk["type"] == "start"}) == 1
    assert sum(kind in ENDS for kind in reply.types) <= 1
    assert is_whole(visitors[1], call)


def test_any_number_of_listeners_follow_live_from_wherever_they_like(places: Places) -> None:
    here, there = places.visitors()
    text = TEXT.replace("\0", "\ufffd")
    response = here.post(here.body(f"{here.chat} {LONG}[fake: hold 12]"))
    first = list(islice(read_events(response), EARLY))
    following = list[str | None]()

    def follow(visitor: Visitor, after: str | None, skipped: int) -> Reply:
        """All that is heard; what is there of the text is waited for before the reply goes on."""
        headers = {} if after is None else {"Last-Event-ID": after}
        again = visitor.open("GET", f"/api/chat/{visitor.chat}/stream", headers=headers)
        events, seen = read_events(again), list[Event]()
        for event in events if skipped < 10 else ():
            seen.append(event)
            if event.id:
                break
        following.append(after)
        return Reply(again.status, again.headers, [*seen, *events])

    wanted = [(None, 0), ("0", 0), ("7", 7), (str(len(text) - 1), len(text) - 1), ("99999", len(text))]
    asked = [(visitor, after, skipped) for visitor in (here, there) for after, skipped in wanted]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = [pool.submit(follow, *each) for each in asked]
        wait_for(lambda: len(following) == len(asked), PATIENCE_S, "all hear it while it is made")
        places.fake.go_on()
    call = places.call(here)
    for (_, after, skipped), each in zip(asked, found, strict=True):
        reply = each.result()
        assert reply.text == text[skipped:], after
        assert (reply.reasoning, reply.types[-1], reply.is_done) == (THOUGHTS, "finish", True)
    rest = list(read_events(response))
    assert Reply(200, response.headers, first + rest).text == text, "the first listener was not disturbed"
    assert there.listen().status == here.listen(**{"Last-Event-ID": "5"}).status == 204, "it is over"
    assert is_whole(here, call)


@pytest.mark.parametrize("garbage", ["x", "-1", "1.5", "9" * 5000, ""], ids=ascii)
def test_an_id_that_is_no_number_is_refused_there_as_well(places: Places, garbage: str) -> None:
    here, there = places.visitors()
    response = here.post(here.body(f"{here.chat} [fake: tokens 400; hold 5]"))
    again = there.listen(**{"Last-Event-ID": garbage})
    assert (again.status, again.problem["field"]) == (400, "Last-Event-ID")
    assert there.stop().status == 202
    response.close()
