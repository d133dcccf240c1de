"""What was said and paid for survives kill -9, a deploy and a reload, with a hundred replies under way."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chatbot.db import now_ms
from chatbot.tables import messages
from tests.conftest import Served, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S, Books, calls_of, new_database
from tests.visitor import Event, Reply, Visitor, read_events

VISITORS = 100
AT_ONCE = 20  # ask
TEXT = " ".join(f"word-{number}" for number in range(200))  # no piece of it twice
BEAT_S = 10  # what a beat each second may be behind at the very most, on a busy machine
FAST_MS = 30  # between the words of a reply that is heard to its end
ENDS = {"finish": "complete", "abort": "interrupted", "nothing": "interrupted"}  # what a listener heard at the end


@dataclass
class Listener:
    """A visitor with a reply of their own: what was heard of it, and when."""

    visitor: Visitor
    events: list[Event] = field(default_factory=list)
    heard: list[tuple[float, int]] = field(default_factory=list)  # time.time(), characters

    def ask(self, delay_ms: int) -> None:
        """Read the answer to its end, or to that of the connection."""
        with suppress(OSError, http.client.HTTPException):
            response = self.visitor.post(self.visitor.body(f"{self.visitor.chat} [fake: delay {delay_ms}; hold 5]"))
            for event in read_events(response):
                self.events.append(event)
                if event.id:
                    self.heard.append((time.time(), int(event.id)))

    @property
    def reply(self) -> Reply:
        return Reply(200, http.client.HTTPMessage(), self.events)

    def heard_by(self, at: float) -> int:
        return max([count for when, count in self.heard if when <= at], default=0)


class House:
    """A server that is ended in many ways and started again on the same database; its books, and its OpenAI."""

    def __init__(self, start: Callable[..., Served], fake: FakeOpenAI, variables: dict[str, object]) -> None:
        self._start, self._variables, self.fake = start, variables, fake
        self.served = start(**variables)
        self.books = Books(self.served)

    def start(self, **variables: object) -> None:
        """Again, on the same database unless these name another."""
        self._variables |= variables
        self.served = self._start(**self._variables)
        self.books.close()
        self.books = Books(self.served)

    def listeners(self, delay_ms: int = 100) -> list[Listener]:
        """All under way, with some text heard by each; 200 words are yet to come, so many milliseconds apart."""
        found = [Listener(self.served.visitor()) for _ in range(VISITORS)]
        self.threads = [threading.Thread(target=each.ask, args=(delay_ms,), daemon=True) for each in found]
        for first in range(0, VISITORS, AT_ONCE):
            for thread in self.threads[first : first + AT_ONCE]:
                thread.start()
            asked = found[first : first + AT_ONCE]
            wait_for(lambda asked=asked: all(each.heard for each in asked), PATIENCE_S, "all replies under way")
        self.fake.go_on()
        time.sleep(1.5)
        assert sum(not each.reply.is_done for each in found) > 0.9 * VISITORS, "they are still under way"
        return found

    def hear_out(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE_S)

    def clear_up(self, listeners: list[Listener], killed_at: float) -> dict[str, float]:
        """Let half a minute pass for the dead, and the living find them. When the dead were last alive, by chat."""
        streaming = select(messages).where(messages.c.status == "streaming")
        theirs = messages.c.chat.in_([each.visitor.chat for each in listeners])
        dead = select(messages).where(theirs, messages.c.status.in_(("streaming", "interrupted")))
        beats = {row.chat: row.heartbeat_at / 1000 for row in self._rows(dead)}
        wait_for(lambda: self.served.visitor().get("/readyz").status == 200, PATIENCE_S)
        self.books.bury(now_ms())  # what lived on has ended
        self.books.settle()
        wait_for(lambda: not self._rows(streaming), PATIENCE_S, "no answer left as it was")
        assert killed_at - min(beats.values()) < BEAT_S
        return beats

    def check(
        self, listeners: list[Listener], ended_at: float, beats: dict[str, float] | None = None
    ) -> dict[str, int]:
        """Nothing is lost that was heard up to the end, or to the last of these beats; nothing doubled, all paid once.

        Then every fifth goes on in their chat. How many answers ended in which way.
        """
        self.books.audit(self.fake)
        bill = {line.number: line.nano_dollars for line in self.fake.bill().lines}
        chats = [each.visitor.chat for each in listeners]
        rows = self._rows(select(messages).where(messages.c.chat.in_(chats)).order_by(messages.c.created_at))
        attempts = [row for row in self.books.attempts() if row.chat in set(chats)]
        paid = {row.chat: row for row in attempts}
        assert (len(rows), len(attempts), len(paid)) == (2 * VISITORS, VISITORS, VISITORS)
        statuses: dict[str, int] = {}
        for each in listeners:
            (call,) = calls_of(self.fake, each.visitor.chat)
            question, answer = sorted((row for row in rows if row.chat == each.visitor.chat), key=_questions_first)
            assert (question.role, answer.role, answer.parent) == ("user", "assistant", question.id)
            assert question.text.startswith(each.visitor.chat)
            assert call.text.startswith(answer.text) and TEXT.startswith(call.text)
            heard = each.heard_by((beats or {}).get(each.visitor.chat, ended_at))
            assert len(answer.text) >= heard, "at most the last second is lost"
            row = paid[each.visitor.chat]
            assert row.message == answer.id and row.cost_nano >= bill[call.number] > 0
            assert answer.status == ENDS[each.reply.types[-1] if each.reply.is_done else "nothing"]
            if each.reply.is_done:
                assert each.reply.text == answer.text
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
        with ThreadPoolExecutor(20) as pool:
            assert all(pool.map(self._goes_on, listeners[::5]))
        return statuses

    def _goes_on(self, listener: Listener) -> bool:
        """The visitor reads what there is, asks on, and the model is told all of it."""
        visitor = listener.visitor
        visitor.url = self.served.url
        (_, half) = visitor.stored()["messages"]
        assert visitor.say("Go on [fake: text Gladly.]").text == "Gladly."
        told = next(call.body for call in reversed(self.fake.calls) if visitor.chat in str(call.body))
        assert half["parts"][-1]["text"] in str(told)
        return [len(message["parts"]) for message in visitor.stored()["messages"]] == [1] * 4

    def _rows(self, query: Any) -> list[Any]:
        with self.books.engine.connect() as connection:
            return list(connection.execute(query))


def _questions_first(row: Any) -> bool:
    return bool(row.role != "user")


@pytest.fixture(scope="module")
def houses(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], House]]:
    """A house on each kind of database, as it is first asked for: the one on SQLite is in a hurry to end."""
    made: dict[str, House] = {}
    with ExitStack() as stack:

        def house(kind: str) -> House:
            if kind not in made:
                fake = stack.enter_context(FakeOpenAI())
                fake.default_text = TEXT
                variables: dict[str, object] = {**fake.env, "SECRET_KEY": SECRET, "WEB_CONCURRENCY": 2}
                if kind == "postgresql":
                    variables |= {"DATABASE_URL": new_database(request.getfixturevalue("postgres_url"))}
                else:
                    variables |= {"GUNICORN_CMD_ARGS": "--graceful-timeout 6"}  # of which one is left to the replies
                start = stack.enter_context(serving(tmp_path_factory.mktemp(kind)))
                made[kind] = House(start, fake, variables)
            return made[kind]

        yield house
        for each in made.values():
            each.books.close()


def test_a_worker_that_is_killed_takes_at_most_a_second_with_it_and_the_others_go_on(
    houses: Callable[[str], House],
) -> None:
    house = houses("sqlite")
    listeners = house.listeners(FAST_MS)
    killed_at = time.time()
    os.kill(house.served.workers()[0], signal.SIGKILL)
    house.hear_out()
    found = house.check(listeners, killed_at, house.clear_up(listeners, killed_at))
    assert set(found) == {"complete", "interrupted"}


def test_after_the_end_of_all_workers_at_once_the_next_ones_find_everything(houses: Callable[[str], House]) -> None:
    house = houses("postgresql")
    listeners = house.listeners()
    killed_at = time.time()
    for pid in house.served.workers():
        os.kill(pid, signal.SIGKILL)
    house.hear_out()
    assert house.check(listeners, killed_at, house.clear_up(listeners, killed_at)) == {"interrupted": VISITORS}


def test_of_a_machine_that_is_gone_the_database_file_is_all_that_is_needed(houses: Callable[[str], House]) -> None:
    """With what is still to be written into it, which SQLite keeps beside it."""
    house = houses("sqlite")
    listeners = house.listeners()
    killed_at = time.time()
    os.killpg(house.served.process.pid, signal.SIGKILL)
    house.hear_out()
    house.served.process.wait()
    file = Path(house.served.database.removeprefix("sqlite:///"))
    other = file.parent / "another machine"
    other.mkdir()
    for name in (file.name, f"{file.name}-wal"):
        shutil.copy(file.with_name(name), other)
    house.start(DATABASE_URL=f"sqlite:///{other}/{file.name}")
    assert house.check(listeners, killed_at, house.clear_up(listeners, killed_at)) == {"interrupted": VISITORS}


def test_a_server_that_is_killed_whole_goes_on_where_it_was(houses: Callable[[str], House]) -> None:
    house = houses("postgresql")
    listeners = house.listeners()
    killed_at = time.time()
    os.killpg(house.served.process.pid, signal.SIGKILL)
    house.hear_out()
    house.served.process.wait()
    house.start()
    assert house.check(listeners, killed_at, house.clear_up(listeners, killed_at)) == {"interrupted": VISITORS}


def test_a_reload_of_the_settings_lets_every_reply_finish(houses: Callable[[str], House]) -> None:
    house = houses("sqlite")
    listeners, before = house.listeners(FAST_MS), set(house.served.workers())
    house.served.process.send_signal(signal.SIGHUP)
    house.hear_out()
    assert house.check(listeners, time.time()) == {"complete": VISITORS}
    wait_for(lambda: not before & set(house.served.workers()), PATIENCE_S, "the old workers have gone")


def test_a_deploy_with_time_enough_lets_every_reply_finish(houses: Callable[[str], House]) -> None:
    house = houses("postgresql")
    listeners = house.listeners(FAST_MS)
    house.served.process.send_signal(signal.SIGTERM)
    house.hear_out()
    assert house.served.process.wait(PATIENCE_S) == 0
    house.start()
    assert house.check(listeners, time.time()) == {"complete": VISITORS}


def test_a_deploy_in_a_hurry_keeps_every_word_that_came_and_tells_the_listeners(
    houses: Callable[[str], House],
) -> None:
    house = houses("sqlite")
    listeners = house.listeners()
    house.served.process.send_signal(signal.SIGTERM)
    house.hear_out()
    assert {each.reply.types[-1] for each in listeners} == {"abort"}
    assert house.served.process.wait(PATIENCE_S) == 0
    house.start()
    assert house.check(listeners, time.time()) == {"interrupted": VISITORS}
    assert house.fake.wait(lambda: all(call.ended_at for call in house.fake.calls))
