"""Keys change under load: by file, by symbolic link, by failover, by SIGHUP; and nobody who chats notices."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from chatbot.key.credential import Key
from chatbot.signing import Signer
from tests.conftest import ROOMY, ROOT, Served, clean_environment, free_port, wait_for, wait_until_ready
from tests.fake_openai import FakeOpenAI
from tests.services.conftest import SECRET
from tests.services.money import PATIENCE_S
from tests.visitor import Reply

Serve = Callable[..., Served]
STREAMS = 200
SWAPS = 10
LONG = "Tell me [fake: tokens 20; delay 20]"


def put(path: Path, key: str) -> None:
    """As an operator's tool does: whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(key + "\n")
    fresh.chmod(0o600)
    fresh.rename(path)


def fingerprint(key: str) -> str:
    return Key(key, "tests", Signer(SECRET)).fingerprint


class Crowd:
    """Visitors who chat without a pause until they are told to leave; keeps every reply."""

    def __init__(self, served: Served, streams: int) -> None:
        self.replies: list[Reply] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._chat, args=(served,), daemon=True) for _ in range(streams)]
        for thread in self._threads:
            thread.start()

    def leave(self) -> list[str]:
        """What went wrong, of all that they asked and that a busy machine let in."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)
        return [
            f"{reply.status} {reply.types[-3:]} {reply.problem}"
            for reply in self.replies
            if not good(reply) and reply.problem.get("code") != "busy"
        ]

    def _chat(self, served: Served) -> None:
        visitor = served.visitor()
        while not self._over.is_set():
            self.replies.append(visitor.say(LONG))


def good(reply: Reply) -> bool:
    return reply.status == 200 and reply.types[-1] == "finish" and reply.is_done


@contextmanager
def crowd(served: Served, streams: int = STREAMS) -> Iterator[Crowd]:
    visitors = Crowd(served, streams)
    try:
        yield visitors
    finally:
        visitors.leave()


@pytest.fixture
def house(serve: Serve, fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Served]:
    """A function that serves with the key in `house.key` and, where asked, one that stands by."""
    folder = tmp_path_factory.mktemp("keys")

    def start(standby: str = "", **variables: object) -> Served:
        put(folder / "key", fake.key)
        files = {"OPENAI_API_KEY_FILE": folder / "key"}
        if standby:
            put(folder / "standby", standby)
            files["OPENAI_API_KEY_STANDBY_FILE"] = folder / "standby"
        return serve(**{**fake.env_without_key, **files, "SECRET_KEY": SECRET, **variables})

    start.folder = folder  # type: ignore[attr-defined]
    return start


def answered_since(fake: FakeOpenAI, key: str) -> bool:
    return any(call.key == key and call.status == 200 for call in fake.calls[-100:])


def check_the_bill(served: Served, fake: FakeOpenAI) -> None:
    """Each stored answer names the key that OpenAI was asked with, and charged."""
    with sqlite3.connect(served.database.removeprefix("sqlite:///")) as connection:
        query = "SELECT request_id, key_fingerprint FROM messages WHERE role = 'assistant' AND status = 'complete'"
        kept = dict(connection.execute(query))
    charged = {call.request_id: fingerprint(call.key) for call in fake.calls if call.billed}
    assert len(kept) > STREAMS / 2
    assert kept == charged


@pytest.mark.parametrize("way", ["file", "failover"])
def test_ten_swaps_under_200_streams_fail_no_turn_and_bill_the_right_key(
    house: Callable[..., Served], fake: FakeOpenAI, way: str
) -> None:
    """The old key is dead at once: those who had just read it are answered by the next."""
    keys = [fake.key, *(fake.new_key() for _ in range(SWAPS))]
    folder: Path = house.folder  # type: ignore[attr-defined]
    served = house(standby=keys[1] if way == "failover" else "", WEB_CONCURRENCY=2)
    with crowd(served) as visitors:
        wait_for(lambda: len(visitors.replies) > STREAMS / 4, PATIENCE_S)
        for old, new in pairwise(keys):
            if way == "file":
                put(folder / "key", new)
            fake.revoke(old)
            wait_for(lambda new=new: answered_since(fake, new), PATIENCE_S, "an answer by the next key")  # type: ignore[misc]
            if way == "failover":  # the one that stood by becomes the first, and another stands by
                put(folder / "key", new)
                put(folder / "standby", keys[min(keys.index(new) + 1, SWAPS)])
                time.sleep(0.3)
        assert visitors.leave() == []
    assert len(visitors.replies) > STREAMS
    check_the_bill(served, fake)
    alarms = [line for line in served.log.splitlines() if "ALERT" in line]
    assert len(alarms) == len({line.split("refused key ")[1][:8] for line in alarms}), "each dead key is told once"
    assert all(key not in served.log for key in keys)


def test_a_mounted_secret_is_followed_through_its_symbolic_links(
    serve: Serve, fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As Kubernetes swaps them: key -> ..data/key, ..data -> a folder named by time, replaced by a rename."""
    mount = tmp_path_factory.mktemp("mount")

    def project(name: str, key: str) -> None:
        (mount / name).mkdir()
        (mount / name / "key").write_text(key)
        (mount / "..data_tmp").symlink_to(name)
        (mount / "..data_tmp").rename(mount / "..data")

    project("..2026_11_25_a", fake.key)
    (mount / "key").symlink_to("..data/key")
    visitor = serve(**fake.env_without_key, OPENAI_API_KEY_FILE=mount / "key").visitor()
    assert good(visitor.say("Hello"))
    new = fake.new_key()
    project("..2026_11_25_b", new)
    time.sleep(0.2)
    assert good(visitor.say("Hello again"))
    assert fake.calls[-1].key == new


def test_a_damaged_or_missing_file_leaves_the_last_key_in_place(house: Callable[..., Served], fake: FakeOpenAI) -> None:
    served, last = house(), fake.key
    path: Path = house.folder / "key"  # type: ignore[attr-defined]
    visitor = served.visitor()
    assert good(visitor.say("Hello"))
    for told, damage in enumerate(["", "  ", "two words", '"quoted"', None]):
        if damage is None:
            path.unlink()
        else:
            path.write_text(damage)
        time.sleep(0.2)
        assert good(visitor.say("Still there?"))
        assert fake.calls[-1].key == last, damage
        if damage is not None:
            assert served.log.count("the last key stays in use: OPENAI_API_KEY_FILE") == told + 1, damage
        put(path, last := fake.new_key())
        time.sleep(0.2)
        assert good(visitor.say("And now?"))
        assert fake.calls[-1].key == last


def test_a_refused_key_fails_over_in_the_same_turn_once_for_all_workers(
    house: Callable[..., Served], fake: FakeOpenAI, postgres_database: str
) -> None:
    standby = fake.new_key()
    served = house(standby, WEB_CONCURRENCY=3, DATABASE_URL=postgres_database)
    fake.revoke(fake.key)
    assert good(served.visitor().say("Hello"))
    assert [call.key for call in fake.calls] == [fake.key, standby], "one refused call, one answered"
    time.sleep(6)  # by then each worker has heard of it, but on a busy machine

    def asks_with() -> set[str]:
        before = len(fake.calls)
        assert all(good(served.visitor().say("Hello")) for _ in range(12))
        return {call.key for call in fake.calls[before:]}

    wait_for(lambda: asks_with() == {standby}, PATIENCE_S)
    assert sum(call.key == fake.key for call in fake.calls) < 3, "each worker found out for itself"
    assert served.log.count("ALERT: OpenAI refused key") == 1
    assert f"key {fingerprint(standby)} from OPENAI_API_KEY_STANDBY_FILE serves now" in served.log
    assert served.visitor().get("/readyz").status == 200


def test_when_the_one_that_stands_by_is_dead_too_the_visitor_is_told_and_the_server_is_not_ready(
    house: Callable[..., Served], fake: FakeOpenAI
) -> None:
    standby = fake.new_key()
    served = house(standby)
    fake.revoke(fake.key)
    fake.revoke(standby)
    visitor = served.visitor()
    reply = visitor.say("Hello")
    assert (reply.status, reply.problem["code"]) == (503, "unavailable")
    assert [call.key for call in fake.calls] == [fake.key, standby]
    assert visitor.get("/readyz").json() == {"status": "not ready", "reason": "the key was refused"}
    visitor.say("Again")
    assert served.log.count("ALERT: OpenAI refused key") == 2, "once for each key"
    put(house.folder / "key", fake.new_key())  # type: ignore[attr-defined]
    time.sleep(0.2)
    assert visitor.get("/readyz").status == 200, "a key that nobody refused"
    assert good(visitor.say("And now?"))


def test_a_lack_of_scope_or_an_address_off_the_list_retires_no_key_and_says_the_fix(
    house: Callable[..., Served], fake: FakeOpenAI
) -> None:
    served = house(fake.new_key())
    visitor = served.visitor()
    for code, fix in {"missing_scope": "permission", "ip_not_authorized": "allowlist"}.items():
        calls, said = len(fake.calls), len(served.log)
        fake.fault(f"error {code}")
        reply = visitor.say("Hello")
        assert (reply.status, reply.problem["code"]) == (503, "unavailable")
        assert len(fake.calls) == calls + 1, "another key of the project would fare no better"
        assert good(visitor.say("Hello"))
        assert fake.calls[-1].key == fake.key
        wait_for(lambda fix=fix, said=said: fix in served.log[said:], what=code)
        assert visitor.get("/readyz").status == 200
    assert "ALERT" not in served.log


def test_sighup_reads_the_settings_again_and_cuts_no_reply(
    fake: FakeOpenAI, tmp_path: Path, checkout_served: Callable[..., Served]
) -> None:
    served = checkout_served(fake.key, GUNICORN_CMD_ARGS="--graceful-timeout 6")
    with crowd(served, 20) as visitors:
        wait_for(lambda: len(visitors.replies) > 10, PATIENCE_S)
        long = threading.Thread(target=lambda: kept.append(served.visitor().say("Long [fake: tokens 400; delay 30]")))
        kept: list[Reply] = []
        long.start()
        fake.wait(lambda: any("Long" in str(call.body) for call in fake.calls))
        new = fake.new_key()
        checkout_served.write(new)  # type: ignore[attr-defined]
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: answered_since(fake, new), PATIENCE_S, "an answer by the new key")
        fake.revoke(fake.key)
        time.sleep(1)
        assert visitors.leave() == []
        long.join(60)
    assert good(kept[0]), "12 seconds long, longer than the time a worker has at a shutdown"


def test_a_new_worker_that_dies_is_replaced_while_an_old_one_finishes_its_reply(
    fake: FakeOpenAI, checkout_served: Callable[..., Served]
) -> None:
    served = checkout_served(fake.key)
    (old,) = served.workers()
    kept: list[Reply] = []
    long = threading.Thread(target=lambda: kept.append(served.visitor().say("Long [fake: tokens 300; delay 30]")))
    long.start()
    fake.wait(lambda: any("Long" in str(call.body) for call in fake.calls))
    served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: served.log.count("chatbot.start: mode: live") == 2, PATIENCE_S)
    (new,) = set(served.workers()) - {old}  # what looked at the settings before has ended by now
    os.kill(new, signal.SIGKILL)
    wait_for(lambda: set(served.workers()) - {old, new}, PATIENCE_S, "another new worker")
    assert good(served.visitor().say("Who answers?"))
    long.join(30)
    assert good(kept[0])


def test_a_worker_that_cannot_begin_again_stops_no_other(house: Callable[..., Served], fake: FakeOpenAI) -> None:
    """Its key file is gone, say: the others still have the key, and it is tried again."""
    served = house(WEB_CONCURRENCY=2)
    first, second = served.workers()
    path: Path = house.folder / "key"  # type: ignore[attr-defined]
    path.unlink()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: "OPENAI_API_KEY_FILE cannot be read" in served.log, PATIENCE_S)
    time.sleep(3)
    assert served.process.poll() is None and second in served.workers()
    assert good(served.visitor().say("Hello"))
    put(path, fake.key)
    wait_for(lambda: len(served.workers()) == 2 and good(served.visitor().say("Hello")), PATIENCE_S)


def test_a_reload_with_settings_that_allow_no_start_changes_nothing(
    fake: FakeOpenAI, checkout_served: Callable[..., Served]
) -> None:
    served = checkout_served(fake.key)
    workers = served.workers()
    checkout_served.write('"two words"')  # type: ignore[attr-defined]
    served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "Not reloaded, the old settings stay: OPENAI_API_KEY" in served.log)
    assert served.workers() == workers
    assert good(served.visitor().say("Hello"))


@pytest.fixture
def checkout_served(tmp_path: Path, fake: FakeOpenAI) -> Iterator[Callable[..., Served]]:
    """A function that serves a copy of the checkout whose settings are in its `.env`; `write` changes the key there."""
    house = tmp_path / "checkout"
    names = shutil.ignore_patterns(".*", "instance", "node_modules", "tests", "bench")
    shutil.copytree(ROOT, house, ignore=names)
    running: list[Served] = []

    def write(key: str) -> None:
        values = {**fake.env_without_key, **ROOMY, "OPENAI_API_KEY": key}
        (house / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        (house / ".env").chmod(0o600)

    def start(key: str, **variables: object) -> Served:
        write(key)
        port = free_port()
        log_path = tmp_path / "server.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn"], cwd=house, env=clean_environment(PORT=port, **variables),
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        running.append(Served(f"http://127.0.0.1:{port}", process, log_path, f"sqlite:///{house}/instance/chat.db"))
        wait_until_ready(running[0])
        return running[0]

    start.write = write  # type: ignore[attr-defined]
    yield start
    for served in running:
        served.kill()


def test_a_workers_children_get_no_secret(serve: Serve, fake: FakeOpenAI, tmp_path: Path) -> None:
    """A worker that is asked to start a program does not hand the key on."""
    (tmp_path / "conf.py").write_text(
        "import runpy, subprocess\n"
        f"conf = runpy.run_path({str(Path(__file__).parents[2] / 'gunicorn.conf.py')!r})\n"
        "globals().update({name: value for name, value in conf.items() if not name.startswith('__')})\n"
        "def post_worker_init(worker):\n"
        "    conf['post_worker_init'](worker)\n"
        f"    subprocess.run(['env'], stdout=open({str(tmp_path / 'env.txt')!r}, 'wb'))\n"
    )
    served = serve(**fake.env, SECRET_KEY=SECRET, GUNICORN_CMD_ARGS=f"-c {tmp_path}/conf.py", cold=True)
    told = (tmp_path / "env.txt").read_text()
    assert "OPENAI_BASE_URL=" in told, "this is the worker's environment"
    assert fake.key not in told and SECRET not in told
    assert good(served.visitor().say("Hello"))
    assert os.path.exists(f"/proc/{served.process.pid}")


def test_a_workload_identity_needs_no_key(
    serve: Serve, fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text(fake.identity.subject)
    token.chmod(0o400)
    served = serve(**fake.env_without_key, **identity(fake, token))
    visitor = served.visitor()
    assert good(visitor.say("Hello"))
    assert good(visitor.say("Again"))
    assert [call.key for call in fake.calls] == [fake.identity.tokens[0]] * 2, "one exchange serves many calls"
    assert "from OPENAI_IDENTITY_TOKEN_FILE" in served.log
    for secret in (fake.identity.subject, *fake.identity.tokens):
        assert secret not in served.log

    fake.revoke(fake.identity.tokens[0])
    assert good(visitor.say("A token that died early is exchanged anew"))
    assert fake.calls[-1].key == fake.identity.tokens[1]


def test_an_identity_that_is_refused_gives_way_to_a_key_that_stands_by(
    serve: Serve, fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("not what the provider expects")
    asked: list[bytes] = []
    exchange = type(fake.identity).exchange
    monkeypatch.setattr(type(fake.identity), "exchange", lambda self, raw: asked.append(raw) or exchange(self, raw))
    served = serve(**fake.env_without_key, **identity(fake, token), OPENAI_API_KEY_STANDBY=fake.key)
    visitor = served.visitor()
    assert all(good(visitor.say("Hello")) for _ in range(3))
    assert [call.key for call in fake.calls] == [fake.key] * 3
    assert len(asked) == 1, "an exchange that hangs would cost each turn ten seconds"
    assert served.log.count("OPENAI_IDENTITY_TOKEN_FILE does not serve") == 1, "nobody would notice otherwise"


def test_a_key_that_is_refused_without_a_code_gives_way_to_one_that_stands_by(serve: Serve) -> None:
    """As other servers and proxies do. Nobody knows whether the key is dead, so it is passed over and not retired."""
    with FakeOpenAI(compat="vllm") as fake:
        standby = fake.new_key()
        served = serve(**fake.env, OPENAI_API_KEY_STANDBY=standby)
        fake.revoke(fake.key)
        visitor = served.visitor()
        assert all(good(visitor.say("Hello")) for _ in range(3))
        assert [call.key for call in fake.calls if call.status == 401] == [fake.key], "asked last for a while"
        fake.revoke(standby)
        assert visitor.say("Hello").problem["code"] == "unavailable"
        fake.restore(fake.key)
        assert good(visitor.say("Hello"))
        assert visitor.get("/readyz").status == 200
    assert served.log.count("does not serve: the key was refused without a reason") == 2, "once for each key"


def test_an_identity_stands_by_for_a_key(
    serve: Serve, fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text(fake.identity.subject)
    served = serve(**fake.env, **identity(fake, token))
    fake.revoke(fake.key)
    assert good(served.visitor().say("Hello"))
    assert [call.key for call in fake.calls] == [fake.key, fake.identity.tokens[0]]


def identity(fake: FakeOpenAI, token: Path) -> dict[str, object]:
    return {
        "OPENAI_IDENTITY_PROVIDER_ID": fake.identity.provider_id,
        "OPENAI_SERVICE_ACCOUNT_ID": fake.identity.account_id,
        "OPENAI_IDENTITY_TOKEN_FILE": token,
    }


def test_visitors_of_the_swap_are_real(fake: FakeOpenAI, house: Callable[..., Served]) -> None:
    """The crowd would notice: with nothing that stands by, a dead key fails its turns."""
    served = house()
    with crowd(served, 8) as visitors:
        wait_for(lambda: len(visitors.replies) > 8, PATIENCE_S)
        fake.revoke(fake.key)
        wait_for(lambda: not all(map(good, visitors.replies)), PATIENCE_S)
        assert visitors.leave() != []
