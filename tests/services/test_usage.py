"""`flask usage`: what it tells agrees with the bill that OpenAI writes, and a bill that is higher raises the alarm."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import Engine, select

from app import create_app
from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.db import DAY_MS, HOUR_MS
from chatbot.money import switches, usage
from tests.booked import book
from tests.conftest import ROOT, Served, clean_environment, wait_for
from tests.fake_openai import FakeOpenAI, make_key
from tests.fake_openai_parts.costs import key_id
from tests.services.terminal import Terminal

Serve = Callable[..., Served]
DOLLAR = 10**9
pytestmark = pytest.mark.usefixtures("one_day")


class Operator:
    """Types commands into the app's own database; what they print is kept in `said`."""

    def __init__(self, url: str, key_file: Path, **settings: Any) -> None:
        self.app = create_app(load_settings(_env_file=None, database_url=url, **settings))
        self.engine: Engine = self.app.extensions["turnkey"].engine
        self.key_file = key_file
        self.said = ""

    def types(self, *arguments: str, typed: str = "") -> Result:
        result = self.app.test_cli_runner().invoke(args=list(arguments), input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        self.said += result.output
        return result

    def reconciles(self, *arguments: str) -> Result:
        return self.types("usage", "--reconcile", "--admin-key-file", str(self.key_file), *arguments)

    def alerts(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(
                connection.execute(select(tables.alerts.c.words).where(tables.alerts.c.kind == "leak")).scalars()
            )


@pytest.fixture
def key_file(fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "admin"
    path.write_text(fake.admin_key + "\n")
    path.chmod(0o400)
    return path


@pytest.fixture
def operator(fake: FakeOpenAI, tmp_path: Path, key_file: Path) -> Iterator[Operator]:
    """Of an app without a key of its own, whose ledger is empty."""
    made = Operator(
        f"sqlite:///{tmp_path}/chat.db", key_file, openai_base_url=fake.base_url, openai_trusted_hosts=["127.0.0.1"]
    )
    migrate.prepare(made.engine)
    yield made
    assert fake.admin_key not in made.said
    made.engine.dispose()


def midnight() -> int:
    """The beginning of the day, in milliseconds: asked for anew, because a run of all tests may outlast a day."""
    return db.now_ms() // DAY_MS * DAY_MS


def day(ago: int) -> str:
    return f"{datetime.fromtimestamp(midnight() / 1000, UTC) - timedelta(days=ago):%Y-%m-%d}"


def test_the_overview_tells_today_and_this_month_against_the_caps_in_force(operator: Operator) -> None:
    switches.set_cap(operator.engine, "site/day", 2 * DOLLAR, "desk")
    book(
        operator.engine,
        {"started_at": midnight(), "cost_nano": 1_234_567},
        {"started_at": midnight(), "model": "gpt-6-sol"},
    )
    with db.writing(operator.engine) as connection:
        rows = [(f"site/day/{day(0)}", 1_235_567, 8000), (f"site/month/{day(0)[:7]}", 11 * DOLLAR, 8000)]
        values = [{"scope": scope, "spent": spent, "held": held, "expires_at": 2**53} for scope, spent, held in rows]
        connection.execute(tables.budgets.insert(), values)
    said = operator.types("usage").output
    assert f"{day(0)} UTC: $0.001236 of $2.00 spent (0.1 %), $0.000008 held for answers under way" in said, (
        "the cap that was set"
    )
    assert f"{day(0)[:7]} UTC: $11.000000 of $50.00 spent (22.0 %), $0.000008 held" in said, "the cap of the settings"
    lines = [line for line in said.splitlines() if line.startswith(("model", "gpt"))]
    assert len({len(line) for line in lines}) == 1, "the columns are aligned"
    assert [line.split()[0] for line in lines] == ["model", "gpt-6-luna", "gpt-6-sol"] * 2
    assert re.search(r"gpt-6-luna +1 +0 +10 +2 +4 +0\.001235 +100$", said, re.M)


@pytest.mark.parametrize(
    "by,names",
    [
        ("total", ["total"]),
        ("model", ["gpt-6-luna"]),
        ("visitor", ["w", "v"]),
        ("hour", ["{1} 23:00", "{0} 00:00"]),
        ("day", ["{1}", "{0}"]),
        ("key", ["aaaaaaaa", "bbbbbbbb"]),
        ("outcome", ["complete", "busy"]),
    ],
)
def test_each_way_to_look_at_it_has_its_lines_in_each_format(operator: Operator, by: str, names: list[str]) -> None:
    names = [name.format(day(0), day(1)) for name in names]
    old = {"started_at": midnight() - 2, "visitor": "w", "cost_nano": 3 * DOLLAR}
    new = {"started_at": midnight(), "key_fingerprint": "bbbbbbbb", "outcome": "busy"}
    book(operator.engine, {"started_at": midnight() - 2 * DAY_MS}, old, new)
    asked = ("usage", "--by", by, "--since", day(1))
    table = operator.types(*asked).output.splitlines()
    assert table[0] == f"since {day(1)} 00:00 UTC"
    assert [re.split(r" {2,}", line)[0] for line in table[1:]] == [by, *names]
    (span,) = json.loads(operator.types(*asked, "--format", "json").output)
    assert [line["name"] for line in span["lines"]] == names
    assert sum(line["cost_nano"] for line in span["lines"]) == 3 * DOLLAR + 1000
    rows = list(csv.DictReader(io.StringIO(operator.types(*asked, "--format", "csv").output)))
    assert [{**row, "span": None} for row in rows] == [
        {name: "" if value is None else str(value) for name, value in line.items()} | {"span": None}
        for line in span["lines"]
    ]


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["--by", "colour"], "'colour' is not one of"),
        (["--since", "yesterday"], "does not match the formats"),
        (["--since", "2100-01-01"], "--since lies in the future"),
        (["--format", "xml"], "'xml' is not one of"),
        (["--days", "3"], "go with --reconcile"),
        (["--today"], "go with --reconcile"),
        (["--key-id", "key_1"], "go with --reconcile"),
        (["--reconcile", "--by", "day"], "do not go with --reconcile"),
        (["--reconcile", "--days", "0"], "0 is not in the range"),
        (["--reconcile", "--admin-key-file", "/nowhere"], "must name a file that you can read"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(operator: Operator, arguments: list[str], words: str) -> None:
    result = operator.types("usage", *arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_database_that_is_gone_is_told_in_a_line(key_file: Path) -> None:
    url = "postgresql://chat@127.0.0.1:9/none"
    result = Operator(url, key_file, secret_key="of the tests alone").types("usage")
    assert (result.exit_code, result.output) == (
        2, "Error: The database fails: OperationalError. Start it, and check DATABASE_URL.\n"
    )  # fmt: skip


def test_on_postgresql_every_sum_is_what_it_is_on_sqlite(postgres_database: str, operator: Operator) -> None:
    settings = load_settings(_env_file=None, database_url=postgres_database, secret_key="of the tests alone")
    postgres = db.open_engine(settings)
    migrate.prepare(postgres)
    rows: list[dict[str, Any]] = [
        {
            "started_at": midnight() + number * 17 * 60_000,
            "visitor": f"v{number % 5}",
            "cost_nano": number * 2**40,
            "key_fingerprint": None if number % 4 == 0 else "aaaaaaaa",
            "first_ms": None if number % 3 else number,
            "outcome": "busy" if number % 6 == 0 else "complete",
        }
        for number in range(40)
    ]
    for engine in (postgres, operator.engine):
        book(engine, *rows)
    sums = (
        usage.total, usage.by_hour, usage.by_day, usage.by_model, usage.by_outcome, usage.by_visitor, usage.by_key,
        lambda engine, since, _=0: usage.of_key(engine, "aaaaaaaa", since),
    )  # fmt: skip
    for each in sums:
        for span in ((0, usage.EVER), (midnight() + HOUR_MS, midnight() + 5 * HOUR_MS)):
            assert each(postgres, *span) == each(operator.engine, *span)
    postgres.dispose()


def test_the_usage_of_a_real_app_is_the_bill_and_more_on_the_bill_raises_the_alarm(
    serve: Serve, fake: FakeOpenAI, key_file: Path
) -> None:
    served = serve(**fake.env)
    visitors = [served.visitor() for _ in range(2)]
    for text in ("Hello", "[fake: tokens 40; reasoning 20]", "[fake: tokens 7]"):
        for visitor in visitors:
            assert visitor.say(text).types[-1] == "finish"
    operator = Operator(served.database, key_file, openai_base_url=fake.base_url, openai_trusted_hosts=["127.0.0.1"])
    bill = fake.bill()
    assert bill.nano_dollars > 0
    today, month = json.loads(operator.types("usage", "--format", "json").output)
    for span in (today, month):
        (line,) = span["lines"]
        assert (line["name"], line["attempts"], line["failed"]) == ("gpt-6-luna", 6, 0)
        assert line["cost_nano"] == span["spent_nano"] == bill.nano_dollars
        assert [line["input_tokens"], line["output_tokens"]] == [bill.tokens("input"), bill.tokens("output")]
    (span,) = json.loads(operator.types("usage", "--by", "key", "--format", "json").output)
    assert [line["cost_nano"] for line in span["lines"]] == [bill.nano_dollars]

    assert operator.reconciles("--today").exit_code == 0
    assert operator.alerts() == []
    fake.extra_costs(0.5, key=fake.key)
    result = operator.reconciles("--today")
    assert result.exit_code == 1
    assert "WRONG OpenAI charges $0.5000 more than this app has used" in result.output
    (alert,) = operator.alerts()
    assert alert.startswith("OpenAI charges $0.5000 more than this app has used (")
    operator.engine.dispose()


def test_the_report_tells_days_and_keys_and_leaves_today_out(operator: Operator, fake: FakeOpenAI) -> None:
    book(operator.engine, {"started_at": midnight() - DAY_MS, "cost_nano": 2 * DOLLAR})
    ours, other = make_key(), make_key()
    fake.extra_costs(2.0, key=ours, days_ago=1)
    fake.extra_costs(0.005, days_ago=3)
    fake.extra_costs(9.0, key=other, days_ago=0)
    fake.extra_costs(9.0, key=other, days_ago=4)
    result = operator.reconciles("--days", "3")
    assert result.exit_code == 0, result.output
    assert "Today is left out" in result.output and "All of the organization's keys" in result.output
    for line in (
        rf"{day(3)} +0\.005000 +0\.000000 +0\.005000", rf"{day(2)} +0\.000000 +0\.000000 +0\.000000",
        rf"{day(1)} +2\.000000 +2\.000000 +0\.000000", r"total +2\.005000 +2\.000000 +0\.005000",
        rf"{key_id(ours)} +2\.000000", r"without a key +0\.005000", r"aaaaaaaa +2\.000000",
    ):  # fmt: skip
        assert re.search(f"^{line}$", result.output, re.M), f"{line}\n{result.output}"
    assert day(0) not in result.output and day(4) not in result.output and key_id(other) not in result.output
    assert operator.reconciles("--days", "3", "--today").exit_code == 1


@pytest.mark.parametrize(
    "here,there,is_too_much",
    [
        (0, 0.0100, False),
        (0, 0.0101, True),
        (1.0, 1.05, False),
        (1.0, 1.051, True),
        (1.0, 0.2, False),
        (0.1, 0.111, True),
    ],
)
def test_more_than_five_percent_and_a_cent_is_a_leak(
    operator: Operator, fake: FakeOpenAI, here: float, there: float, is_too_much: bool
) -> None:
    book(operator.engine, {"started_at": midnight() - 1, "cost_nano": round(here * DOLLAR)})
    fake.extra_costs(there, days_ago=1)
    assert operator.reconciles().exit_code == int(is_too_much)
    assert len(operator.alerts()) == int(is_too_much)


def test_a_little_each_day_and_much_on_one_day_are_both_found(operator: Operator, fake: FakeOpenAI) -> None:
    for ago in range(1, 8):
        fake.extra_costs(0.009, days_ago=ago)
    assert f"({day(7)} to {day(1)}: $0.0630 there, $0.0000 here)" in operator.reconciles().output
    fake.reset()
    for ago in range(1, 8):
        book(operator.engine, {"started_at": midnight() - ago * DAY_MS, "cost_nano": 10 * DOLLAR})
        fake.extra_costs(10, days_ago=ago)
    fake.extra_costs(2, days_ago=4)
    result = operator.reconciles()
    assert (result.exit_code, f"({day(4)}: $12.0000 there, $10.0000 here)" in result.output) == (1, True)
    assert re.search(rf"^{day(4)} .* <$", result.output, re.M)


def test_keys_of_other_programs_can_be_left_out(operator: Operator, fake: FakeOpenAI) -> None:
    ours, other = make_key(), make_key()
    book(operator.engine, {"started_at": midnight() - 1, "cost_nano": DOLLAR})
    fake.extra_costs(1.0, key=ours, days_ago=1)
    fake.extra_costs(7.0, key=other, days_ago=1)
    result = operator.reconciles()
    assert (result.exit_code, "name this app's own with --key-id" in result.output) == (1, True)
    result = operator.reconciles("--key-id", key_id(ours))
    assert result.exit_code == 0
    assert f"Of OpenAI's keys {key_id(ours)} alone" in result.output
    assert re.search(rf"^{key_id(other)} +7\.000000 +left out$", result.output, re.M)
    assert operator.reconciles("--key-id", key_id(other)).exit_code == 1


def test_a_ledger_that_is_younger_than_the_report_is_said_to_be(operator: Operator, fake: FakeOpenAI) -> None:
    book(operator.engine, {"started_at": midnight() - DAY_MS})
    fake.extra_costs(3.0, days_ago=5)
    assert f"The ledger begins on {day(1)}" in operator.reconciles().output


def test_only_an_admin_key_is_sent_and_no_other_is_shown(operator: Operator, fake: FakeOpenAI) -> None:
    wrong = {
        fake.key: "not an admin key but a project key",
        make_key(""): "not an admin key but a user key of the old shape",
        "sk-admin-" + "short": "not an admin key but something else",
        f"{fake.admin_key} {fake.admin_key}": "not an admin key but something else",
        "": "not an admin key but something else",
    }
    operator.key_file.chmod(0o600)
    for value, words in wrong.items():
        operator.key_file.write_text(value)
        result = operator.reconciles()
        assert (result.exit_code, words in result.output) == (2, True), result.output
        assert not value or value not in result.output
    assert fake.requests == []


@pytest.mark.parametrize("trusted", [[], ["127.0.0.2"]], ids=["not trusted", "in the clear"])
def test_an_admin_key_goes_to_no_other_host_and_not_in_the_clear(
    fake: FakeOpenAI, tmp_path: Path, key_file: Path, trusted: list[str]
) -> None:
    address = fake.base_url.replace("127.0.0.1", "127.0.0.2")
    url = f"sqlite:///{tmp_path}/chat.db"
    operator = Operator(url, key_file, openai_base_url=address, openai_trusted_hosts=trusted)
    result = operator.reconciles()
    assert (result.exit_code, "would send " in result.output) == (2, True), result.output
    assert fake.requests == [] and fake.admin_key not in result.output


def test_a_file_that_others_can_read_is_told(operator: Operator) -> None:
    operator.key_file.chmod(0o644)
    result = operator.reconciles()
    assert (result.exit_code, "other users can read" in result.output.lower()) == (0, True)


def test_a_report_that_cannot_be_had_is_told_in_a_line(operator: Operator, fake: FakeOpenAI) -> None:
    def told() -> str:
        result = operator.reconciles()
        assert result.exit_code == 2
        (line,) = result.output.splitlines()
        assert line.startswith("Error: OpenAI gives no cost report: ")
        return line

    fake.take_scope(fake.admin_key)
    assert "the key lacks a permission" in told()
    fake.revoke(fake.admin_key)
    assert "the key is wrong, revoked or expired" in told()
    with fake.down():
        assert "no connection" in told()
    fake.compat = "vllm"
    assert "no such model or address" in told()
    assert operator.alerts() == []


def test_the_admin_key_is_taken_from_no_variable(
    operator: Operator, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ADMIN_KEY", "OPENAI_API_KEY", "FLASK_USAGE_ADMIN_KEY", "ADMIN_KEY"):
        monkeypatch.setenv(name, fake.admin_key)
    result = operator.types("usage", "--reconcile")
    assert (result.exit_code, "Admin key, from https://" in result.output) == (2, True)
    assert fake.requests == []


def test_an_admin_key_that_is_typed_is_not_shown(fake: FakeOpenAI, tmp_path: Path) -> None:
    """On a terminal of its own, as an operator has one."""
    variables = {**fake.env_without_key, "DATABASE_URL": f"sqlite:///{tmp_path}/chat.db"}
    asked = [sys.executable, "-m", "flask", "usage", "--reconcile"]
    terminal = Terminal(asked, ROOT, clean_environment(**variables))
    terminal.expect("neither shown nor kept")
    wait_for(lambda: not terminal.echoes)
    terminal.type(fake.admin_key + "\n")
    terminal.expect("charges no more")
    assert terminal.end() == 0
    assert fake.admin_key not in terminal.shown
    assert [call.path.partition("?")[0] for call in fake.requests] == ["/v1/organization/costs"]


def test_nothing_of_the_admin_key_is_kept(operator: Operator, fake: FakeOpenAI, tmp_path: Path) -> None:
    fake.extra_costs(1.0, days_ago=1)
    assert operator.reconciles().exit_code == 1
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert fake.admin_key.encode() not in path.read_bytes()
