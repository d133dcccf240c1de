"""Titles of chats that were answered: by the answer's words, or by a model, by a call that is paid for like any."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatbot.chats import relay
from chatbot.chats.asked import Turn
from chatbot.chats.live import Outcome
from chatbot.chats.title import title_of
from chatbot.chats.title_call import INSTRUCTION, MOST_CHARS, MOST_TOKENS, most_title_tokens
from chatbot.chats.worst_case import worst_case
from chatbot.config import load_settings
from chatbot.db import DEAD_AFTER_MS, now_ms
from chatbot.errors import SettingsError
from chatbot.history import title_model
from chatbot.history.naming import Naming
from chatbot.key.ring import Ring
from chatbot.money import switches
from chatbot.money.charge import Attempt
from chatbot.money.hold import Payer
from chatbot.money.prices import Prices
from chatbot.money.switches import Pause
from chatbot.start import describe
from chatbot.visitors.who import COOKIE
from tests.conftest import Served, wait_for
from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, FakeOpenAI, Fault, make_key
from tests.fake_openai_parts.reply import messages
from tests.services.money import Books
from tests.unit.built_app import OWN, build, read, run

NAMER = "gpt-6-sol"
PLENTY = {
    "limit_visitor": "10000/minute", "limit_network": "10000/minute", "limit_site": "10000/day",
    "limit_new_visitors": "10000/hour", "limit_tokens_visitor": "100000000/day", "budget_site_day": 1000,
    "budget_site_month": 1000, "budget_visitor_day": 500, "max_concurrent_replies": 100,
}  # fmt: skip


class House:
    """An app in this process, and the OpenAI that bills it."""

    def __init__(self, folder: Path, fake: FakeOpenAI, **values: Any) -> None:
        ours = {"openai_api_key": fake.key, "openai_base_url": fake.base_url, "openai_trusted_hosts": [fake.host]}
        self.app = build(folder, **{**PLENTY, **ours, "title_model": NAMER, **values})
        self.fake = fake
        self.books = Books(cast(Served, SimpleNamespace(database=f"sqlite:///{folder}/chat.db")))
        self.endings = self.app.extensions["turnkey"].turns.endings
        wait_for(lambda: self.app.test_client().get("/readyz").status_code == 200)

    def guest(self) -> Guest:
        return Guest(self)

    def titled(self, chat: str) -> list[Any]:
        """The ledger's rows of the calls for this chat's title."""
        return [row for row in self.books.attempts(chat=chat) if row.message.endswith("/title")]

    def audit(self) -> None:
        """The calls are over, and the books as they must be."""
        wait_for(lambda: not self.busy, 120)
        self.books.audit(self.fake)

    @property
    def busy(self) -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "reply"]


class Guest:
    """A visitor in one chat of theirs."""

    def __init__(self, house: House, visitor: str | None = None) -> None:
        self.house, self.client, self.chat = house, house.app.test_client(), secrets.token_hex(12)
        self.visitor = visitor or secrets.token_hex(16)
        self.client.set_cookie(COOKIE, house.app.extensions["turnkey"].signer.sign(self.visitor))

    def twin(self) -> Guest:
        """The same visitor, in another chat."""
        return Guest(self.house, self.visitor)

    def say(self, text: str, *, waits: bool = True, **members: Any) -> str:
        """The answer's text, or the code of a problem."""
        message = {"role": "user", "id": secrets.token_hex(8), "parts": [{"type": "text", "text": text}]}
        said = self.client.post("/api/chat", json={"id": self.chat, "messages": [message], **members}, headers=OWN)
        if said.status_code != 200:
            return str(said.json["code"])
        lines = said.text.splitlines()
        if waits:
            wait_for(lambda: not self.house.busy, 120)
        chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")

    @property
    def title(self) -> str:
        ((title,),) = read(self.house.app, "SELECT title FROM chats WHERE id = :id", id=self.chat)
        return str(title)


def asked(title: str, question: str = "How is bread made?") -> str:
    """A question whose answer has the model say this title; or do what else stands in a bracket."""
    bracket = title if title.startswith("[fake:") else f"[fake: text {title}]"
    escaped = bracket.replace("]", "\\]")
    return f"{question} [fake: text Of flour, water, salt and time. {escaped}]"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with FakeOpenAI() as fake:
        house = House(tmp_path_factory.mktemp("named"), fake)
        yield house
        house.books.close()


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """After each test the books must be right."""
    on_stored = list(shared.endings.on_stored)
    yield shared
    shared.endings.on_stored[:] = on_stored
    switches.resume(shared.books.engine, "test")
    shared.audit()


Build = Callable[..., House]


@pytest.fixture
def make(tmp_path: Path, fake: FakeOpenAI) -> Iterator[Build]:
    """A function that builds a house of the test's own."""
    made: list[House] = []

    def build_one(**values: Any) -> House:
        made.append(House(tmp_path, fake, **values))
        return made[-1]

    yield build_one
    for each in made:
        each.audit()
        each.books.close()


def test_a_model_names_a_chat_by_one_call_that_is_bounded_and_booked(house: House) -> None:
    guest, calls = house.guest(), len(house.fake.calls)
    guest.say(f"{'Secret ' * 600}[fake: text Of flour. [fake: text Bread at home\\]{' and salt' * 300}]")
    answer, title = house.fake.calls[calls:]
    assert guest.title == "Bread at home"
    assert (answer.body["model"], title.body["model"]) == ("gpt-6-luna", NAMER)
    assert title.body["max_output_tokens"] == MOST_TOKENS and title.body["store"] is False
    ((_, told),) = [each for each in messages(title.api, title.body) if each[0] == "user"]
    assert title.body["instructions"] == INSTRUCTION and len(told) < MOST_CHARS * 2 + 50
    assert told.startswith("Question:\nSecret Secret") and "Of flour. [fake: text" in told
    (row,) = house.titled(guest.chat)
    (other,) = [each for each in house.books.attempts(chat=guest.chat) if each.id != row.id]
    assert row.message == f"{other.message}/title" and row.visitor == other.visitor and row.model == NAMER
    assert (row.outcome, row.basis, row.request_id, row.first_ms) == ("complete", "usage", title.request_id, None)
    assert row.cost_nano == next(line.nano_dollars for line in house.fake.bill().lines if line.number == title.number)
    assert 0 < row.cost_nano < row.held_nano
    assert NAMER not in guest.client.get("/api/me").json["models"]
    ((found,),) = read(house.app, "SELECT words FROM passages WHERE chat = :id AND number = 0", id=guest.chat)
    assert "bread" in found, "a search finds the new title"


def test_only_the_first_complete_answer_is_named_by_the_model(house: House) -> None:
    guest, calls = house.guest(), len(house.fake.calls)
    house.fake.fault("cut 1")
    guest.say("How is bread made?")
    assert len(house.fake.calls) == calls + 1 and guest.title == "How is bread made?", "after a failed answer"
    guest.say(asked("Bread at home"), trigger="regenerate-message")
    assert len(house.fake.calls) == calls + 3, "the first that is complete"
    named = guest.title
    guest.say(asked("Another title"))
    guest.say("", trigger="regenerate-message")
    assert len(house.fake.calls) == calls + 5 and guest.title == named


def test_a_stopped_answer_names_no_chat(house: House) -> None:
    guest, calls = house.guest(), len(house.fake.calls)
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(guest.say, "How is bread made? [fake: tokens 9; hold 4]")
        wait_for(lambda: len(house.fake.calls) > calls and house.fake.calls[-1].pieces)
        assert guest.twin().client.post(f"/api/chat/{guest.chat}/stop", headers=OWN).status_code == 202
        said.result()
    assert len(house.fake.calls) == calls + 1


MADE = {
    '"Bread at home"': "Bread at home",
    "**Title:** Bread at home": "Bread at home",
    "Sure! Here it is:\\n\\n# Bread at home": "Bread at home",
    "Titel: „Brot daheim“": "Brot daheim",
    "家庭でパンを焼く": "家庭でパンを焼く",
    "word " * 40: "word " * 11 + "word…",
}


@pytest.mark.parametrize("made,title", MADE.items())
def test_what_the_model_says_is_cleaned_as_a_question_is(house: House, made: str, title: str) -> None:
    guest = house.guest()
    guest.say(asked(made))
    assert guest.title == title


@pytest.mark.parametrize(
    "directive",
    [
        "[fake: refusal I can't help with that.]", "[fake: text I cannot name this.]", "[fake: tokens 0]",
        "[fake: text Hi!]", "[fake: tokens 9; reasoning 600]", "[fake: incomplete 3 content_filter]", "key",
    ],
)  # fmt: skip
def test_a_title_that_is_none_is_not_taken(house: House, directive: str) -> None:
    """A refusal, a sentence, nothing, a greeting, thoughts without an end, and what is shaped like a key."""
    guest, question = house.guest(), "How is bread made?"
    said = f"[fake: text Bread {make_key()}]" if directive == "key" else directive
    house.endings.on_stored.append(lambda turn, outcome: house.fake.fault(said))
    calls = len(house.fake.calls)
    guest.say(question)
    assert len(house.fake.calls) == calls + 2 and guest.title == question
    house.endings.on_stored.pop()
    for later in ("And beer? [fake: cut 1]", "And wine? [fake: tokens 2]"):
        guest.say(later)
    assert len(house.fake.calls) == calls + 4, "it is not tried again after later answers"


def test_a_title_that_its_visitor_has_changed_meanwhile_stays(house: House) -> None:
    guest, calls = house.guest(), len(house.fake.calls)
    guest.say(asked("[fake: tokens 3; hold 0]"), waits=False)
    wait_for(lambda: len(house.fake.calls) == calls + 2)
    run(house.app, "UPDATE chats SET title = 'Mine' WHERE id = :id", id=guest.chat)
    house.fake.go_on()
    wait_for(lambda: not house.busy)
    assert house.titled(guest.chat)[0].outcome == "complete" and guest.title == "Mine"
    early = house.guest()
    renaming = "UPDATE chats SET title = 'Mine' WHERE id = :id"
    house.endings.on_stored.append(lambda turn, outcome: run(house.app, renaming, id=turn.ask.chat))
    early.say(asked("Bread at home"))
    assert not house.titled(early.chat) and early.title == "Mine"


def test_a_title_takes_none_of_its_visitors_places(make: Build) -> None:
    house = make(max_concurrent_replies=1)
    ledger, held = house.app.extensions["turnkey"].ledger, []

    def take_the_place(turn: Turn, outcome: Outcome) -> None:
        payer = Payer(turn.ask.visitor, turn.ask.network, turn.ask.chat, "another answer", turn.ask.model)
        held.append(ledger.reserve(payer, 10))

    house.endings.on_stored.append(take_the_place)
    guest = house.guest()
    guest.say(asked("[fake: tokens 3; hold 0]"), waits=False)
    wait_for(lambda: len(house.fake.calls) == 2, what="the title, with the place taken")
    ledger.settle(held[0], Attempt("unused", charged="nothing"))
    house.endings.on_stored.remove(take_the_place)
    assert guest.twin().say("[fake: tokens 2]", waits=False) == "tok tok "
    assert house.titled(guest.chat) == [], "the title was still being made"
    house.fake.go_on()


def test_a_title_that_there_is_no_money_for_is_missed_by_nobody(make: Build) -> None:
    house = make(model_prices=f"{NAMER}=1000/1000/1000", budget_visitor_day="0.5")
    guest = house.guest()
    assert guest.say(asked("Bread at home")).startswith("Of flour")
    assert len(house.fake.calls) == 1 and not house.titled(guest.chat)
    assert guest.say("And beer? [fake: tokens 2]") == "tok tok ", "its visitor has money left"
    house.app.extensions["turnkey"].alarms.keep()
    assert read(house.app, "SELECT * FROM alerts") == []


def test_while_all_is_paused_no_title_is_asked_for(house: House) -> None:
    guest, calls = house.guest(), len(house.fake.calls)
    pause = Pause("a test", "desk", now_ms())
    house.endings.on_stored.append(lambda turn, outcome: switches.pause(house.books.engine, pause))
    assert guest.say(asked("Bread at home")).startswith("Of flour")
    assert len(house.fake.calls) == calls + 1


def test_when_the_money_at_openai_has_run_out_for_a_title_it_has_for_answers_too(house: House) -> None:
    """The answer stays; then all pauses by itself, as it would at the next question anyway."""
    guest = house.guest()
    assert guest.say(asked("[fake: error insufficient_quota]")).startswith("Of flour")
    assert guest.say("And beer?") == "paused"
    assert house.titled(guest.chat)[0].basis == "nothing"


def test_a_key_that_is_revoked_before_the_title_is_followed_by_the_next_one(make: Build, fake: FakeOpenAI) -> None:
    house = make(openai_api_key_standby=fake.new_key())
    house.endings.on_stored.append(lambda turn, outcome: fake.revoke(fake.key))
    guest = house.guest()
    guest.say(asked("Bread at home"))
    assert guest.title == "Bread at home"
    assert [row.outcome for row in house.titled(guest.chat)] == ["unavailable", "complete"]


def test_a_title_that_takes_too_long_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(title_model, "LONGEST_S", 0.3)
    monkeypatch.setattr(relay, "LONGEST_BACK_OFF_S", 120)
    for directive in ("stall 120", "stall-created 120", "error slow_down; retry-after 119"):
        guest = house.guest()
        before = now_ms()
        guest.say(asked(f"[fake: {directive}]"))
        assert now_ms() - before < 60_000
        assert house.titled(guest.chat)[0].cost_nano > 0 or "error" in directive


def test_its_longest_call_ends_before_others_take_its_worker_for_dead() -> None:
    assert title_model.LONGEST_S * 1000 < DEAD_AFTER_MS * 3 / 4


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
def test_whatever_fails_the_chat_and_its_answer_are_as_they_were_and_the_call_is_booked(make: Build, api: str) -> None:
    """Every fault of the fake; those that end a key or pause all come last."""
    house = make(openai_api=api)
    faults = [each for each in [*FAULTS_BEFORE, *FAULTS_DURING] if api.removesuffix("_completions") in each.apis]
    faults = [each for each in faults if each.hint not in ("ok", "ok_no_usage", "any", "timeout")]
    guests = {str(fault): house.guest() for fault in faults}

    def ask(fault: Fault) -> None:
        said = guests[str(fault)].say(asked(f"[fake: {fault.directive}]", f"Bread {fault}?"), waits=False)
        assert said.startswith("Of flour"), fault

    def alone(fault: Fault) -> bool:
        return fault.hint in ("key", "money") or "insufficient_quota" in fault.directive

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, [fault for fault in faults if not alone(fault)]))
    wait_for(lambda: not house.busy, 120)
    for fault in filter(alone, faults):
        ask(fault)
        wait_for(lambda: not house.busy)
        switches.resume(house.books.engine, "test")
    house.audit()
    for fault in faults:
        guest = guests[str(fault)]
        assert guest.title == title_of(asked(f"[fake: {fault.directive}]", f"Bread {fault}?")), fault
        assert house.titled(guest.chat), fault
        answers = read(house.app, "SELECT status FROM messages WHERE chat = :id AND role = 'assistant'", id=guest.chat)
        assert answers == [("complete",)], fault


def test_a_chat_that_began_with_a_greeting_is_named_by_its_answer(make: Build) -> None:
    house = make(title_model=None)
    for question in ("Hi!", "?", "```\nprint(1)\n```", "https://example.org/"):
        guest = house.guest()
        house.fake.fault("[fake: text Sure!\\n\\n# Bread at home]")
        guest.say(question)
        assert guest.title == "Bread at home", question
    assert len(house.fake.calls) == 4
    guest.say("Hi!")
    assert guest.title == "Bread at home", "the first answer alone"
    told = house.guest()
    house.fake.fault("[fake: text # Bread at home]")
    told.say("How is beer made?")
    assert told.title == "How is beer made?"


def test_nothing_shaped_like_a_key_gets_into_a_title_nor_does_what_a_visitor_has_changed(make: Build) -> None:
    house = make(title_model=None)
    guest = house.guest()
    house.fake.fault(f"[fake: text # Use {make_key()}]")
    guest.say("Hi!")
    assert guest.title == "Hi!"
    renaming = "UPDATE chats SET title = 'Mine' WHERE id = :id"
    house.endings.on_stored.insert(0, lambda turn, outcome: run(house.app, renaming, id=turn.ask.chat))
    guest = house.guest()
    house.fake.fault("[fake: text # Bread at home]")
    guest.say("Hi!")
    assert guest.title == "Mine"


def test_a_temporary_chat_gets_no_title(house: House) -> None:
    for question in ("Hi!", asked("Bread at home")):
        guest, calls = house.guest(), len(house.fake.calls)
        guest.say(question, temporary=True)
        assert len(house.fake.calls) == calls + 1 and not house.titled(guest.chat)
        assert read(house.app, "SELECT title FROM chats WHERE id = :id AND title <> ''", id=guest.chat) == []


def test_without_a_key_no_model_names_chats(tmp_path: Path) -> None:
    app = build(tmp_path, title_model=NAMER)
    assert "model of titles" not in " ".join(describe(app.extensions["turnkey"].settings, Ring()))
    endings = app.extensions["turnkey"].turns.endings
    assert [heed.__self__._model for heed in endings.on_ended if isinstance(heed.__self__, Naming)] == [None]


def test_the_operator_is_told_of_the_model_its_price_and_what_it_can_cost(make: Build) -> None:
    house = make()
    settings = house.app.extensions["turnkey"].settings
    told = describe(settings, house.app.extensions["turnkey"].ring)
    assert f"model of titles: {NAMER}, $2 in, $10 out per million tokens" in [line.replace(".00", "") for line in told]
    prices, caps = Prices(settings), dict.fromkeys(switches.BUDGETS, 10**15)
    plain = worst_case(settings.model_copy(update={"title_model": None}), prices, caps)
    # Twice: 4 bytes for each of 2,000 characters of both, 26 of what stands between, 16 and 16 and 64 around it and the
    # instruction, each at $2.50 a million, written to the cache; and 512 tokens at $10.
    bytes_sent = 16_000 + len("Question:\n\n\nAnswer:\n") + len(INSTRUCTION) + 2 * 16 + 64
    assert most_title_tokens() == bytes_sent
    assert worst_case(settings, prices, caps).message - plain.message == 2 * (bytes_sent * 2_500 + 512 * 10_000)
    report = house.app.test_cli_runner().invoke(args=["doctor"]).output
    assert f"model {NAMER} costs $2.00 in, $10.00 out" in report and f"model {NAMER} is offered" in report


def test_a_model_for_titles_whose_price_is_not_known_stops_the_start() -> None:
    prices = Prices(load_settings(_env_file=None, openai_model="mine", title_model="yours"))
    with pytest.raises(SettingsError) as refused:
        prices.check()
    assert [line.split(", whose price is not known")[0] for line in refused.value.lines] == [
        "OPENAI_MODEL names mine", "TITLE_MODEL names yours",
    ]  # fmt: skip
