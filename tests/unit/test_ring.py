"""Which key serves: the first that is not refused, by what all workers know; a file's key as it stands now."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from chatbot import db, migrate, tables
from chatbot.alerts.alarm import Alarms
from chatbot.config import load_settings
from chatbot.errors import SettingsError
from chatbot.key import record
from chatbot.key.credential import Key
from chatbot.key.ring import REST_S, Ring
from chatbot.key.source import LONGEST_WAIT_S, SETTLED_S, FileSource, load_sources
from chatbot.model.client import Client
from chatbot.model.faults import KeyUnfit
from chatbot.model.transport import Urllib3Transport
from chatbot.signing import Signer
from tests.fake_openai import FakeOpenAI, make_key

SIGNER = Signer("the secret of these tests")
ONE, TWO, THREE = make_key(), make_key("svcacct"), make_key("")


def sources(**values: object) -> list[str]:
    """What would be used, in its order: the variable and the value."""
    found = [source.credential() for source in load_sources(load_settings(_env_file=None, **values), SIGNER)]
    return [f"{each.source} {each.reveal() if isinstance(each, Key) else each.provider_id}" for each in found]


IDENTITY = {
    "openai_identity_provider_id": "idp",
    "openai_service_account_id": "acc",
    "openai_identity_token_file": "",
}


@pytest.fixture(autouse=True, scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is in it is watched for, in whatever this process answers: nothing that an answer could hold."""
    path = tmp_path_factory.mktemp("identity") / "token"
    path.write_text(make_key())
    IDENTITY["openai_identity_token_file"] = str(path)


def test_a_file_comes_before_a_variable_and_an_identity_stands_in_where_no_key_is(tmp_path: Path) -> None:
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "two").write_text(TWO)
    assert sources(openai_api_key=ONE) == [f"OPENAI_API_KEY {ONE}"]
    assert sources(openai_api_key=THREE, openai_api_key_file=tmp_path / "one") == [f"OPENAI_API_KEY_FILE {ONE}"]
    assert sources(openai_api_key=ONE, openai_api_key_standby=TWO, **IDENTITY) == [
        f"OPENAI_API_KEY {ONE}", f"OPENAI_API_KEY_STANDBY {TWO}", "OPENAI_IDENTITY_TOKEN_FILE idp",
    ]  # fmt: skip
    assert sources(openai_api_key_standby_file=tmp_path / "two", openai_api_key_standby=ONE, **IDENTITY) == [
        "OPENAI_IDENTITY_TOKEN_FILE idp", f"OPENAI_API_KEY_STANDBY_FILE {TWO}",
    ]  # fmt: skip
    assert sources() == []


@pytest.mark.parametrize("name", IDENTITY)
def test_a_part_of_an_identity_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        sources(**{key: value for key, value in IDENTITY.items() if key != name})
    (line,) = refused.value.lines
    assert line.startswith(f"{name.upper()} is missing")


def test_a_token_file_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(SettingsError) as refused:
        sources(**IDENTITY | {"openai_identity_token_file": "/nowhere"})
    assert refused.value.lines[0].startswith("OPENAI_IDENTITY_TOKEN_FILE cannot be read")


def test_an_identity_goes_to_no_host_but_openais_either() -> None:
    with pytest.raises(SettingsError):
        sources(openai_base_url="https://evil.example/v1", **IDENTITY)


@pytest.mark.parametrize("name", ["openai_api_key_standby", "openai_api_key"])
def test_a_key_that_stands_by_is_held_to_the_same_form_and_host(name: str) -> None:
    for wrong in (make_key("admin"), f'"{ONE}"', ONE[:40] + " " + ONE[40:]):
        with pytest.raises(SettingsError) as refused:
            sources(**{name: wrong})
        assert refused.value.lines[0].startswith(name.upper() + " ")
    with pytest.raises(SettingsError):
        sources(**{name: ONE}, openai_base_url="https://evil.example/v1")


def value(credential: object) -> str:
    assert isinstance(credential, Key)
    return credential.reveal()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(ONE + "\n")
    past = time.time() - 10
    os.utime(tmp_path / "key", (past, past))
    return tmp_path / "key"


class Clock:
    """Time for the sources: it passes only while somebody sleeps, and what is due in that time happens."""

    def __init__(self) -> None:
        self.now, self.due = time.time(), list[tuple[float, Callable[[], None]]]()

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        until = self.now + max(seconds, 0.001)
        while self.due and self.due[0][0] <= until:
            self.now, deed = self.due.pop(0)
            deed()
        self.now = until

    def write(self, path: Path, text: str) -> None:
        path.write_text(text)
        os.utime(path, (self.now - 0.001, self.now - 0.001))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("chatbot.key.source.time", made := Clock())
    return made


@pytest.fixture
def source(path: Path) -> FileSource:
    settings = load_settings(_env_file=None, openai_api_key_file=path)
    (found,) = load_sources(settings, SIGNER)
    assert isinstance(found, FileSource)
    return found


def test_a_file_is_read_again_when_it_changes_and_only_then(
    clock: Clock, source: FileSource, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = FileSource._read
    monkeypatch.setattr(FileSource, "_read", lambda self: reads.append(1) or read(self))
    assert [value(source.credential()) for _ in range(5)] == [ONE] * 5
    assert reads == []
    clock.write(path, TWO)
    assert [value(source.credential()) for _ in range(5)] == [TWO] * 5
    assert reads == [1]


@pytest.mark.parametrize("at_once", [False, True])
def test_the_next_call_has_the_new_key_and_never_half_of_it(
    clock: Clock, source: FileSource, path: Path, at_once: bool
) -> None:
    """A writer that takes its time is waited for, whether or not the last key was refused."""
    clock.write(path, TWO[:60])
    clock.due = [
        (clock.now + SETTLED_S / 2, lambda: clock.write(path, TWO[:100])),
        (clock.now + SETTLED_S, lambda: clock.write(path, TWO)),
    ]
    assert value(source.credential(at_once=at_once)) == TWO
    clock.write(path, THREE)
    assert value(source.credential(at_once=at_once)) == THREE


def test_a_file_that_never_rests_is_read_all_the_same(clock: Clock, source: FileSource, path: Path) -> None:
    def write() -> None:
        clock.write(path, TWO)
        clock.due = [(clock.now + 0.005, write)]

    write()
    began = clock.now
    assert value(source.credential()) == TWO
    assert clock.now - began <= LONGEST_WAIT_S + SETTLED_S


def test_a_pipe_or_a_folder_is_not_waited_for(source: FileSource, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.unlink()
    os.mkfifo(path)
    with caplog.at_level(logging.ERROR):
        assert [value(source.credential()) for _ in range(3)] == [ONE] * 3
        path.unlink()
        assert [value(source.credential()) for _ in range(3)] == [ONE] * 3
    assert "OPENAI_API_KEY_FILE cannot be read" in caplog.text


def test_a_file_that_keeps_its_size_and_time_but_is_another_one_is_read(source: FileSource, path: Path) -> None:
    other = path.with_name("other")
    other.write_text(make_key() + "\n")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)
    assert value(source.credential()) == path.read_text().strip() != ONE


def test_a_file_that_is_written_in_place_and_given_its_old_time_is_read(source: FileSource, path: Path) -> None:
    before, other = path.stat(), make_key()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system goes in steps
        path.write_text(other + "\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert value(source.credential()) == other


def test_a_file_from_the_future_is_no_reason_never_to_read_it(source: FileSource, path: Path) -> None:
    path.write_text(TWO)
    future = time.time() + 3600
    os.utime(path, (future, future))
    assert value(source.credential()) == TWO


def test_an_admin_key_that_is_put_into_the_file_later_is_not_taken(
    source: FileSource, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(admin := make_key("admin"))
    with caplog.at_level(logging.ERROR):
        assert [value(source.credential(at_once=True)) for _ in range(3)] == [ONE] * 3
    assert caplog.text.count("the last key stays in use") == 1, "told once"
    assert admin[10:40] not in caplog.text


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    migrate.prepare(made)
    yield made
    made.dispose()


def ring(engine: Engine, *values: str) -> Ring:
    names = dict(zip(("openai_api_key", "openai_api_key_standby"), values, strict=False))
    return Ring(load_sources(load_settings(_env_file=None, **names), SIGNER), engine)


def test_a_turn_tries_the_first_key_then_the_one_that_stands_by_then_none(engine: Engine) -> None:
    keys = ring(engine, ONE, TWO)
    first = keys.lead()
    second = keys.lead([first]) if first else None
    assert (value(first), value(second)) == (ONE, TWO)
    assert first and second and keys.lead([first, second]) is None


def test_a_refusal_is_told_once_and_known_to_other_workers_and_after_a_restart(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = ring(engine, ONE, TWO), ring(engine, ONE, TWO)
    first = one.credentials[0]
    with caplog.at_level(logging.CRITICAL):
        one.refuse(first)
        one.refuse(first)
        other.refuse(other.credentials[0])
    assert caplog.text.count("ALERT") == 1
    later = ring(engine, ONE, TWO)
    later.catch_up()
    assert {value(keys.lead()) for keys in (one, other, later)} == {TWO}
    assert not any(keys.is_spent for keys in (one, other, later))


def test_where_every_key_was_refused_the_first_is_tried_and_a_success_brings_it_back(engine: Engine) -> None:
    keys = ring(engine, ONE, TWO)
    for each in keys.credentials:
        keys.refuse(each)
    assert keys.is_spent
    first = keys.lead()
    assert value(first) == ONE and keys.lead([first]) is None  # type: ignore[list-item]
    keys.accept(first, time.monotonic())
    assert not keys.is_spent
    assert record.refused(engine) == {keys.credentials[1].fingerprint}


def test_a_call_that_a_refusal_overtook_does_not_bring_the_key_back(engine: Engine) -> None:
    keys = ring(engine, ONE, TWO)
    asked_at = time.monotonic()
    keys.refuse(keys.credentials[0])
    keys.accept(keys.credentials[0], asked_at)
    assert value(keys.lead()) == TWO


@pytest.mark.parametrize("works", [True, False], ids=["works", "dead"])
def test_a_key_that_is_put_back_is_tried_again_though_it_was_refused_before(
    engine: Engine, path: Path, works: bool
) -> None:
    settings = load_settings(_env_file=None, openai_api_key_file=path, openai_api_key_standby=TWO)
    one, other = (Ring(load_sources(settings, SIGNER), engine) for _ in range(2))
    one.refuse(one.credentials[0])
    other.catch_up()
    assert {value(keys.lead()) for keys in (one, other)} == {TWO}
    for key in (THREE, ONE):
        path.write_text(key)
        assert {value(keys.lead()) for keys in (one, other)} == {key}
    if works:
        one.accept(one.credentials[0], time.monotonic())
    else:
        one._alarms = Alarms(engine)  # another day's
        one.refuse(one.credentials[0])
        with engine.connect() as connection:
            told = connection.execute(select(tables.alerts.c.words)).scalars().all()
        assert len(told) == 1 and "OpenAI refused" in told[0], "who put it back is told"
        other.refuse(other.credentials[0])
    later = Ring(load_sources(settings, SIGNER), engine)
    for keys in (one, other, later):
        keys.catch_up()
    assert {value(keys.lead()) for keys in (one, other, later)} == {ONE if works else TWO}


def test_a_database_that_is_down_stops_no_failover_and_hears_of_it_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    keys = ring(engine, ONE, TWO)  # without tables every statement fails
    with caplog.at_level(logging.CRITICAL):
        keys.refuse(keys.credentials[0])
        assert value(keys.lead()) == TWO
        with pytest.raises(SQLAlchemyError):
            keys.catch_up()
        assert value(keys.lead()) == TWO
        migrate.prepare(engine)
        keys.catch_up()
        keys.catch_up()
    assert value(keys.lead()) == TWO
    assert record.refused(engine) == {keys.credentials[0].fingerprint}
    assert caplog.text.count("ALERT") == 1
    engine.dispose()


def test_without_a_key_there_is_nothing_to_lead_and_nothing_spent() -> None:
    assert Ring().lead() is None
    assert not Ring().is_spent


def test_what_is_remembered_of_a_key_is_its_fingerprint(engine: Engine, tmp_path: Path) -> None:
    keys, began = ring(engine, ONE), db.now_ms()
    keys.lead()
    before = record.known(engine)[keys.credentials[0].fingerprint]
    assert began <= before.first_seen_at <= db.now_ms()
    ring(engine, ONE).lead()
    assert record.known(engine)[keys.credentials[0].fingerprint] == before
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert ONE.encode()[20:40] not in written


def with_identity(engine: Engine) -> Ring:
    settings = load_settings(_env_file=None, openai_api_key_standby=TWO, **IDENTITY)
    return Ring(load_sources(settings, SIGNER), engine)


def test_what_does_not_serve_is_asked_last_for_a_while_then_by_one_turn_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.key.ring.time", clock := Clock())
    keys = with_identity(engine)
    identity, standby = keys.credentials
    keys.pass_over(identity, "no token was given")
    keys.catch_up()
    assert [keys.lead(), keys.lead([standby])] == [standby, identity], "better than nothing"
    assert not keys.is_spent
    clock.now += 2 * REST_S
    assert [keys.after() for _ in range(3)] == [identity] * 3, "to look is not to try"
    assert [keys.lead() for _ in range(3)] == [identity, standby, standby], "the others do not wait for it"
    keys.accept(identity, clock.now)
    assert [keys.lead() for _ in range(3)] == [identity] * 3


def test_what_does_not_serve_is_tried_all_the_same_where_nothing_stands_by(engine: Engine) -> None:
    keys = ring(engine, ONE)
    keys.pass_over(keys.credentials[0], "the key was refused without a reason")
    assert [value(keys.lead()) for _ in range(3)] == [ONE] * 3


def test_a_key_that_is_refused_at_last_is_told_though_it_was_passed_over_before(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keys = ring(engine, ONE, TWO)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(2):
            keys.pass_over(keys.credentials[0], "the key was refused without a reason")
            keys.refuse(keys.credentials[0])
    first, second = caplog.messages
    assert "does not serve" in first and "revoked" in second


def test_an_identity_that_does_not_serve_is_told_once_and_is_never_out(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keys = with_identity(engine)
    identity, standby = keys.credentials
    with caplog.at_level(logging.CRITICAL):
        keys.refuse(identity)
        keys.pass_over(identity, "no token was given")
    assert record.refused(engine) == set()
    (told,) = caplog.messages
    assert f"{identity.fingerprint} from OPENAI_IDENTITY_TOKEN_FILE does not serve: OpenAI refused its token" in told
    assert f"key {standby.fingerprint} from OPENAI_API_KEY_STANDBY serves now" in told


def test_where_every_key_was_refused_the_server_asks_by_itself_whether_one_works_again(engine: Engine) -> None:
    """Nobody else would: a platform sends no visitors to a server that is not ready."""
    with FakeOpenAI() as fake:
        fake.keys = {ONE, TWO}
        keys = ring(engine, ONE, TWO)
        client = Client(fake.base_url, "responses", keys, Urllib3Transport(fake.base_url))
        client.probe()
        assert fake.requests == [], "there is a key that serves"
        fake.revoke(ONE)
        fake.revoke(TWO)
        for each in keys.credentials:
            keys.refuse(each)
        client.probe()
        assert keys.is_spent and [call.path for call in fake.requests] == ["/v1/models"] * 2
        fake.restore(TWO)
        client.probe()
        assert not keys.is_spent and value(keys.lead()) == TWO
        assert fake.bill().nano_dollars == 0


@pytest.mark.parametrize("trouble", ["down", "500", "nothing", "dead at once"])
def test_an_exchange_that_fails_in_any_way_is_no_token_this_time(
    trouble: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So that a key which stands by can serve."""
    answers = {"500": (500, {}), "nothing": (200, {}), "dead at once": (200, {"access_token": "t", "expires_in": 0})}
    with FakeOpenAI() as fake:
        settings = load_settings(_env_file=None, **IDENTITY)
        (identity,) = (source.credential() for source in load_sources(settings, SIGNER))
        client = Client(fake.base_url, "responses", Ring(), Urllib3Transport(fake.base_url), plain=True)
        monkeypatch.setattr(type(fake.identity), "exchange", lambda *_: answers[trouble])
        if trouble == "down":
            fake.stop()
        with pytest.raises(KeyUnfit):
            client.models(identity)


def test_a_key_that_flaps_raises_one_alarm(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    keys = ring(engine, ONE, TWO)
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            keys.refuse(keys.credentials[0])
            keys.accept(keys.credentials[0], time.monotonic())
    assert caplog.text.count("ALERT") == 1
