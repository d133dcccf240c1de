"""Alerts: raised once in their period, sent once to each address, and never with a key or an address's password."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, Row, event, insert, select, text, update

from chatbot import db, migrate
from chatbot.alerts import address as sending
from chatbot.alerts.address import Address, check_addresses, load_addresses, send
from chatbot.alerts.alarm import Alarms
from chatbot.alerts.courier import NOT_SENT, SENT, UNKNOWN
from chatbot.alerts.post import GIVE_UP_MS, Post
from chatbot.chores import Aside
from chatbot.config import ROOT, Settings, load_settings
from chatbot.db import HOUR_MS, now_ms
from chatbot.errors import SettingsError
from chatbot.key.redact import redact
from chatbot.money import switches
from chatbot.money.budgets import Scope, scopes
from chatbot.money.vigil import Vigil
from chatbot.signing import Signer
from chatbot.tables import alerts, budgets, usage_hours
from tests.conftest import wait_for
from tests.fake_openai import make_key
from tests.sink import Sink

SIGNER = Signer("the secret of these tests")
DOLLAR = 10**9


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    migrate.prepare(made)
    yield made
    made.dispose()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def rows(engine: Engine) -> list[Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        return list(connection.execute(select(alerts).order_by(alerts.c.subject)))


def change(engine: Engine, **values: object) -> None:
    with db.writing(engine) as connection:
        connection.execute(update(alerts).values(**values))


def addresses(*urls: str) -> list[Address]:
    return load_addresses(load_settings(_env_file=None, alert_urls=", ".join(urls)), SIGNER)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """To start a process and import Apprise in it may take a busy machine longer than anybody should wait for it."""
    monkeypatch.setattr(sending, "PATIENCE_S", 240)


# What is raised


def test_an_alert_is_told_once_in_its_period_whichever_worker_raises_it(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    one, other = Alarms(engine), Alarms(engine)
    assert one.raise_alarm("key", "ab12", "the key died") is True
    assert [each.raise_alarm("key", "ab12", "the key died") for each in (one, other, other)] == [False] * 3
    assert other.raise_alarm("key", "cd34", "another one", period="hour") is True
    assert log.messages == ["ALERT: the key died", "ALERT: another one"]
    now = datetime.now(UTC)
    assert [(row.subject, row.period) for row in rows(engine)] == [
        ("ab12", f"{now:%Y-%m-%d}"),
        ("cd34", f"{now:%Y-%m-%dT%H}"),
    ]


def test_many_threads_that_raise_the_same_alert_tell_it_once(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    workers = [Alarms(engine) for _ in range(4)]
    threads = [threading.Thread(target=each.raise_alarm, args=("key", "x", "words")) for each in workers * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.text.count("ALERT") == 1 and len(rows(engine)) == 1


def test_in_the_next_period_it_is_told_again(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    Alarms(engine).raise_alarm("budget", "site", "spent", period="month")
    change(engine, period="2026-01")
    Alarms(engine).raise_alarm("budget", "site", "spent", period="month")
    assert len(rows(engine)) == log.text.count("ALERT") == 2


def test_a_transaction_that_is_undone_takes_no_alert_with_it(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    alarms, asked = Alarms(engine), []
    with db.rehearsing(engine):
        event.listen(engine, "checkout", lambda *of: asked.append(of))
        alarms.raise_alarm("key", "x", "words")
        assert asked == [], "it does not wait for the transaction that it stands in"
    assert rows(engine) == [] and log.messages == []
    alarms.keep()
    alarms.keep()
    assert len(rows(engine)) == log.text.count("ALERT: words") == 1


def test_while_the_database_fails_an_alert_is_logged_once_and_written_later(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    engine = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    alarms = Alarms(engine)  # without tables every statement fails
    for _ in range(3):
        alarms.raise_alarm("key", "x", "words")
        alarms.raise_alarm("key", "y", "other words")
        alarms.keep()
    assert log.messages == ["ALERT: words", "ALERT: other words"]
    migrate.prepare(engine)
    alarms.keep()
    assert [row.subject for row in rows(engine)] == ["x", "y"] and log.text.count("ALERT") == 2
    engine.dispose()


def test_words_are_cleaned_and_cut_before_anybody_gets_them(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    key = make_key()
    Alarms(engine, redact).raise_alarm("leak", f"of {key}", f"an answer held {key}" + "!" * 5000)
    (row,) = rows(engine)
    for told in (row.words, row.subject, log.text):
        assert key[8:30] not in told and "[key]" in told
    assert len(row.words) == 1000


# Where it goes


def test_addresses_stand_between_commas_or_blanks_and_are_named_without_what_is_secret() -> None:
    urls = (
        "mailto://me:pass,word@example.org?to=a@example.org,b@example.org",
        "tgram://123456:AAEtoken/789",
        "slack://T0KEN1/T0KEN2/T0KEN3\n json://user:pass@127.0.0.1:8080/way",
        "tgram://123456:AAEtoken/789",
        "hunter2",
    )
    found = addresses(*urls)
    assert [each.name for each in found] == [
        "mailto://example.org", "tgram", "slack", "json://127.0.0.1", "an address without ://",
    ]  # fmt: skip
    assert found[0].value == urls[0]
    shown = repr(found) + "".join(each.digest for each in found)
    assert not [secret for secret in ("pass", "AAE", "T0KEN", "789") if secret in shown]
    assert len({each.digest for each in found}) == 5


def test_addresses_that_apprise_does_not_know_stop_the_start_and_are_not_quoted() -> None:
    with pytest.raises(SettingsError) as refused:
        check_addresses(addresses("json://127.0.0.1:9", "tgram://hunter2", "nothing://hunter3/x"))
    (line,) = refused.value.lines
    assert line.startswith("ALERT_URLS is not valid") and "number 2, 3" in line and "Example: ALERT_URLS=" in line
    assert "hunter" not in line


def test_what_was_sent_is_the_alert_alone() -> None:
    with Sink() as sink:
        assert send(addresses(sink.url()), "the words of it") == [SENT]
        assert sink.got[0]["title"] == "Turnkey Chat: alert" and sink.messages == ["the words of it"]
        assert sink.got[0]["attachments"] == []


def test_an_alert_comes_under_the_sites_name() -> None:
    with Sink() as sink:
        settings = load_settings(_env_file=None, site_name="Ask & Answer", alert_urls=sink.url())
        assert send(load_addresses(settings, SIGNER), "the words of it") == [SENT]
        assert sink.got[0]["title"] == "Ask & Answer: alert"


def test_one_address_that_hangs_keeps_no_other_waiting() -> None:
    with Sink("hang") as slow, Sink() as quick, Sink(500) as broken, ThreadPoolExecutor() as pool:
        urls = (slow.url(query="?rto=60"), quick.url(), broken.url(), "tgram://odd")
        sent = pool.submit(send, addresses(*urls), "words")
        wait_for(lambda: slow.calls and quick.got and broken.calls, 120, "all of them")
        assert not sent.done()
        slow.release()
        assert sent.result() == [NOT_SENT, SENT, NOT_SENT, UNKNOWN]
        assert (slow.calls, quick.calls, broken.calls) == (1, 1, 1)


def test_an_address_that_hangs_for_too_long_is_ended() -> None:
    with Sink("hang") as slow:
        courier = sending._start(addresses(slow.url(query="?rto=60"))[0], "words")
        wait_for(lambda: slow.calls, 120, "the courier")
        assert courier and courier.poll() is None
        assert sending._wait(courier, time.monotonic() + 0.1) == NOT_SENT
        assert not psutil.pid_exists(courier.pid)


def test_neither_apprises_own_lines_nor_its_process_show_an_address_or_have_the_key(
    log: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", make_key())
    log.set_level(1)
    with Sink(500, "hang") as sink, ThreadPoolExecutor() as pool:
        secret = sink.url("a-token-in-a-path", "?rto=60&password=a-password")
        in_process = "import logging, sys; logging.basicConfig(level=1); from apprise import Apprise\n"
        in_process += "Apprise.instantiate(sys.argv[1]).notify(body='words')"
        ran = subprocess.run([sys.executable, "-c", in_process, secret], capture_output=True, text=True, check=True)
        assert "a-token-in-a-path" in ran.stderr, "it does tell, where it is let"

        monkeypatch.setenv("PYTHONVERBOSE", "1")  # so that it says something, whatever it does
        sent = pool.submit(send, addresses(secret), "words")
        wait_for(lambda: sink.calls == 2, 120, "the courier")
        (courier,) = [each for each in psutil.Process().children() if "chatbot.alerts.courier" in each.cmdline()]
        shown = " ".join(courier.cmdline()) + str(courier.environ())
        assert "PYTHONVERBOSE" in shown and "a-token" not in shown and "OPENAI_API_KEY" not in shown
        sink.release()
        assert sent.result() == [NOT_SENT]
    told = "".join(capfd.readouterr())
    assert "apprise" not in told and "a-token" not in log.text + told


def test_apprise_is_imported_by_the_courier_alone_and_when_it_is_called() -> None:
    for path in [ROOT / "app.py", *(ROOT / "chatbot").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        at_top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        everywhere = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        nodes = at_top if path.name == "courier.py" else everywhere
        names = [getattr(node, "module", None) or node.names[0].name for node in nodes]
        assert not [name for name in names if name.split(".")[0] == "apprise"], path


# When it goes


def test_each_address_gets_an_alert_once_and_the_one_that_failed_gets_it_later(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    Alarms(engine).raise_alarm("key", "x", "the key died")
    with Sink(503) as broken, Sink() as sound:
        post = Post(engine, addresses(broken.url("token-in-a-path"), sound.url()))
        began = now_ms()
        assert post.deliver() and not post.deliver(), "it is not due again at once"
        (row,) = rows(engine)
        assert began + 60_000 <= row.due_at <= now_ms() + 60_000 and row.tries == 1
        change(engine, due_at=now_ms())
        assert post.deliver()
        (row,) = rows(engine)
        assert row.due_at is None and row.tries == 2 and not post.deliver()
        assert (len(sound.got), len(broken.got), broken.calls) == (1, 1, 2)
        assert sound.messages[0].startswith("the key died\n\n20")
    assert "did not reach json://127.0.0.1; tried again in 60 s" in log.text
    assert "token-in-a-path" not in log.text


def test_the_pauses_between_tries_grow_and_after_a_day_it_is_given_up(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    Alarms(engine).raise_alarm("key", "x", "words")
    waits = {}
    post = Post(engine, addresses("json://127.0.0.1:9"))  # nobody listens there
    for tries in (1, 2, 9):
        change(engine, due_at=now_ms(), tries=tries)
        assert post.deliver()
        waits[tries] = round((rows(engine)[0].due_at - now_ms()) / 60_000)
    assert waits == {1: 5, 2: 15, 9: 60}
    change(engine, due_at=now_ms(), raised_at=now_ms() - GIVE_UP_MS - 1)
    assert post.deliver()
    assert rows(engine)[0].due_at is None and log.messages[-1].endswith("it is not tried again")


def test_what_was_raised_long_before_there_was_an_address_is_not_sent(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    Alarms(engine).raise_alarm("key", "x", "words")
    Post(engine, []).look()
    change(engine, raised_at=now_ms() - GIVE_UP_MS - 1)
    with Sink() as sink:
        assert Post(engine, addresses(sink.url())).deliver()
        assert (rows(engine)[0].due_at, sink.calls, len(log.messages)) == (None, 0, 1)


def test_an_alert_is_one_workers_while_it_is_sent_and_anybodys_when_that_worker_dies(engine: Engine) -> None:
    Alarms(engine).raise_alarm("key", "x", "words")
    with Sink() as sink:
        dying, other = (Post(engine, addresses(sink.url())) for _ in range(2))
        assert dying._claim()
        assert not other.deliver()
        assert 0 < rows(engine)[0].due_at - now_ms() <= 60_000
        change(engine, due_at=now_ms())
        assert other.deliver() and len(sink.got) == 1


def test_a_beat_waits_for_no_address(engine: Engine) -> None:
    Alarms(engine).raise_alarm("key", "x", "words")
    with Sink("hang") as sink:
        look = Aside(Post(engine, addresses(sink.url(query="?rto=60"))).look)
        look()
        wait_for(lambda: sink.calls, 120, "the first try")
        Alarms(engine).raise_alarm("key", "y", "words")
        before = threading.enumerate()
        look()
        for thread in set(threading.enumerate()) - set(before):
            thread.join(120)
        assert (sink.calls, [row.tries for row in rows(engine)]) == (1, [0, 0])
        sink.release()
        wait_for(lambda: [row.tries for row in rows(engine)] == [1, 1], 120, "both")
        assert sink.calls == 2


def test_a_look_takes_no_time(engine: Engine) -> None:
    alarms, post = Alarms(engine), Post(engine, addresses("json://127.0.0.1:9"))
    alarms.raise_alarm("key", "x", "words")
    change(engine, due_at=None)
    began = time.process_time()
    for _ in range(200):
        alarms.raise_alarm("key", "x", "words")
        post.look()
    assert time.process_time() - began < 1


# What is watched


class House:
    """A site with these settings, on which money is spent by writing it down."""

    def __init__(self, engine: Engine, **settings: object) -> None:
        self.engine = engine
        self.settings: Settings = load_settings(_env_file=None, **settings)
        self.vigil = Vigil(engine, self.settings, Alarms(engine))

    def scope(self, name: str, visitor: str = "a-visitor-of-the-tests") -> Scope:
        found = scopes(self.settings, switches.look(self.engine), visitor, "home", now_ms())
        return next(scope for scope in found if scope.name == name)

    def spend(self, name: str, dollars: float, visitor: str = "a-visitor-of-the-tests") -> None:
        """So much is spent in all; then every worker looks twice."""
        scope = self.scope(name, visitor)
        row = {"scope": scope.key, "spent": int(dollars * DOLLAR), "held": 0, "expires_at": scope.expires_at}
        with db.writing(self.engine) as connection:
            connection.execute(text("DELETE FROM budgets WHERE scope = :scope"), {"scope": scope.key})
            connection.execute(insert(budgets).values(**row))
        for vigil in (self.vigil, Vigil(self.engine, self.settings, Alarms(self.engine))):
            vigil.look()
            vigil.look()

    def book(self, hours_ago: int, dollars: float) -> None:
        hour = now_ms() // HOUR_MS * HOUR_MS - hours_ago * HOUR_MS
        numbers = dict.fromkeys(
            ("attempts", "input_tokens", "cached_tokens", "output_tokens", "first_ms_sum", "first_ms_count"), 0
        )
        row = {"hour": hour, "model": "m", "outcome": "complete", "cost_nano": int(dollars * DOLLAR), **numbers}
        with db.writing(self.engine) as connection:
            connection.execute(insert(usage_hours).values(**row))


def test_each_percent_of_a_budget_is_told_once(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    house = House(engine, budget_site_day=5, budget_site_month=50)
    for dollars in (2.49, 2.5, 3.0, 4.0, 4.9, 5.01, 5.5):
        house.spend("site/day", dollars)
    assert log.messages == [
        "ALERT: 50% of the site's budget of a day is spent: $2.50 of $5.00",
        "ALERT: 80% of the site's budget of a day is spent: $4.00 of $5.00",
        "ALERT: 100% of the site's budget of a day is spent: $5.01 of $5.00. Nobody gets an answer before midnight UTC",
    ]
    house.spend("site/month", 40)
    assert log.messages[3:] == ["ALERT: 80% of the site's budget of a month is spent: $40.00 of $50.00"]
    assert rows(engine)[-1].period == f"{datetime.now(UTC):%Y-%m}"


def test_of_percents_that_are_passed_in_one_leap_the_highest_is_told_and_the_others_are_marked(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    house = House(engine, budget_site_day=5, alert_at="20,50,80")
    house.spend("site/day", 4.5)
    assert log.text.count("ALERT") == 1 and "ALERT: 80%" in log.text
    assert {(row.subject.split()[0], row.due_at is None) for row in rows(engine)} == {
        ("20%", True), ("50%", True), ("80%", False),
    }  # fmt: skip


def test_a_cap_that_is_changed_counts_at_once_and_is_watched_anew(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    house = House(engine, budget_site_day=5, alert_at="100")
    house.spend("site/day", 5)
    switches.set_cap(engine, "site/day", 10 * DOLLAR, "desk")
    house.spend("site/day", 6)
    assert log.text.count("ALERT") == 1
    house.spend("site/day", 10)
    assert log.text.count("ALERT") == 2 and "$10.00 of $10.00" in log.messages[-1]
    switches.set_cap(engine, "site/day", 0, "desk")
    house.spend("site/day", 11)
    assert log.text.count("ALERT") == 2, "who closes the tap knows it"


def test_the_first_visitor_who_uses_up_the_own_budget_is_named_and_no_other(
    engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    house = House(engine, budget_visitor_day="0.50", alert_at="100")
    house.spend("visitor/day", 0.49, "aaaaaaaabbbb")
    house.spend("visitor/day", 0.51, "ccccccccdddd")
    house.spend("visitor/day", 0.52, "eeeeeeeeffff")
    assert log.messages == [
        "ALERT: 100% of what visitor cccccccc may spend in a day is spent: $0.51 of $0.50. "
        "They get no answer before midnight UTC"
    ]


def test_a_call_that_was_refused_counts_as_the_whole_budget(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    house = House(engine, budget_site_day=5)
    with db.rehearsing(engine):  # the ledger refuses within a transaction, which is undone
        house.vigil.budget_spent(house.scope("site/day"))
    house.vigil._alarms.keep()
    house.spend("site/day", 4.9)
    house.spend("site/day", 5)
    house.vigil.budget_spent(house.scope("tokens"))
    assert log.messages == [
        "ALERT: what is left of the site's budget of a day does not pay for another message. "
        "Nobody gets an answer before midnight UTC"
    ]


def test_a_sudden_rate_is_told_once_an_hour(engine: Engine, log: pytest.LogCaptureFixture) -> None:
    house = House(engine, budget_site_day=5)
    house.book(167, 0.5)
    house.book(3, 1.18)  # in an average hour of the week 1 cent
    house.book(200, 99)  # longer ago
    house.book(0, 0.24)
    house.vigil.look()
    assert log.messages == [], "too little to matter: a twentieth of a day's budget"
    with db.writing(engine) as connection:
        connection.execute(
            update(usage_hours).where(usage_hours.c.cost_nano == int(0.24 * DOLLAR)).values(cost_nano=DOLLAR)
        )
    house.vigil.look()
    House(engine, budget_site_day=5).vigil.look()
    assert len(log.messages) == 1
    assert "ALERT: $1.00 were spent in this hour; an average hour of the last week cost $0.01. " in log.text


@pytest.mark.parametrize(("before", "hours_ago"), [(99, 30), (0.01, 20)], ids=["busy", "young"])
def test_a_rate_that_is_usual_or_has_nothing_to_be_compared_with_is_not_told(
    before: float, hours_ago: int, engine: Engine, log: pytest.LogCaptureFixture
) -> None:
    house = House(engine, budget_site_day=5)
    house.book(hours_ago, before)
    house.book(0, 4)
    house.vigil.look()
    assert log.messages == []
