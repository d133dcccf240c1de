"""What the operator reads at start: right to the cent, and without a secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.key.credential import Key
from chatbot.key.ring import Ring
from chatbot.key.source import load_sources
from chatbot.money import switches
from chatbot.money.prices import PUBLISHED
from chatbot.signing import Signer
from chatbot.start import describe, reminders, warnings
from tests.fake_openai import make_key

CANARY = "Canary" + "Secret42"
SIGNER = Signer(CANARY)
KEY = Key(make_key(), "OPENAI_API_KEY", SIGNER)


def lines(**values: object) -> list[str]:
    settings = load_settings(_env_file=None, **{"openai_api_key": KEY.reveal(), **values})
    return describe(settings, Ring(load_sources(settings, SIGNER)))


def line(starts: str, **values: object) -> str:
    (found,) = [line for line in lines(**values) if line.startswith(starts)]
    return found


def test_six_lines_say_what_the_operator_must_know() -> None:
    told = lines()
    assert [line.split(":")[0] for line in told] == [
        "mode", "the key goes to", "model", "worst case", "who may enter", "data live in",
    ]  # fmt: skip
    assert told[0] == f"mode: live, key {KEY.fingerprint} from OPENAI_API_KEY"
    assert told[1] == "the key goes to: api.openai.com by responses"
    assert told[2] == "model: gpt-6-luna, $0.10 in, $0.50 out per million tokens"


def test_without_a_key_nothing_is_said_of_money() -> None:
    told = lines(openai_api_key=None)
    assert [line.split(":")[0] for line in told] == ["mode", "who may enter", "data live in"]
    assert "tutor" in told[0] and "free of cost" in told[0]


def test_a_key_from_a_file_is_said_to_be_and_so_is_what_stands_by(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY.reveal())
    standby = Key(make_key(), "OPENAI_API_KEY_STANDBY", SIGNER)
    told = line("mode:", openai_api_key_file=tmp_path / "key", openai_api_key_standby=standby.reveal())
    assert told == (
        f"mode: live, key {KEY.fingerprint} from OPENAI_API_KEY_FILE; "
        f"standing by: key {standby.fingerprint} from OPENAI_API_KEY_STANDBY"
    )


NO_BUDGET = {"budget_site_day": 1000, "budget_site_month": 1000}


def test_the_worst_case_is_right_by_hand() -> None:
    # Sent: 1,000 tokens of the estimate, each at most 4 (a turn of few bytes), 16 for the prompt's place and 64 around
    # the call: 3,080 at $0.125 a million, all written to the cache: 510,000 nano-dollars. Out: 1,000 at $0.50: 500,000.
    # With the one retry 2,020,000, or $0.00202; 400 a day make $0.808, 31 days $25.048; each rounded up.
    told = line(
        "worst case", max_context_tokens=1000, max_message_chars=100, system_prompt="p" * 100, max_output_tokens=1000,
        limit_site="400/day", **NO_BUDGET,
    )  # fmt: skip
    assert told == (
        "worst case: $0.71 a day (LIMIT_SITE admits 400 messages), $21.95 a month (31 such days); "
        "one message at most $0.0018"
    )


def test_one_long_message_may_be_the_dearest() -> None:
    # 8,000 characters of 4 bytes, 100 of the prompt, 16 for each of the two and 64: 32,196 tokens; where an answer is
    # gone on with, 2,000 bytes of it and 113 of the order, with 16 for each: 34,341 tokens: 4,292,625; out 16: 8,000;
    # twice 8,601,250; 1,000 of these $8.60125.
    told = line(
        "worst case", max_context_tokens=10, max_message_chars=8000, system_prompt="é" * 50, max_output_tokens=16,
        limit_site="1000/day", **NO_BUDGET,
    )  # fmt: skip
    assert told.startswith("worst case: $8.61 a day (LIMIT_SITE admits 1000 messages), $266.64 a month (31 such days)")


@pytest.mark.parametrize(
    "day,month,told",
    [
        ("5", "50", "$5.00 a day (the budget of a day), $50.00 a month (the budget of a month)"),
        ("0.10", "50", "$0.10 a day (the budget of a day), $3.10 a month (31 such days)"),
        ("0", "0", "$0.00 a day (the budget of a day), $0.00 a month (31 such days)"),
        ("1000", "1", "$17.21 a day (LIMIT_SITE admits 2000 messages), $1.00 a month (the budget of a month)"),
    ],
)
def test_the_budgets_bound_the_bill_whatever_the_limits_admit(day: str, month: str, told: str) -> None:
    found = line(
        "worst case", max_context_tokens=10, max_message_chars=8000, system_prompt="p" * 100, max_output_tokens=16,
        limit_site="2000/day", budget_site_day=day, budget_site_month=month,
    )  # fmt: skip
    assert found == f"worst case: {told}; one message at most $0.0087"


@pytest.mark.parametrize(
    "limit,a_day",
    [("5000/day", 5000), ("10/hour", 240), ("10/hour;100/day", 100), ("1/7 minute", 206), ("9/month", 9), ("0/day", 0),
     ("100/2 day", 100), ("1/second;50/minute", 72_000)],
)  # fmt: skip
def test_the_messages_of_a_day_follow_from_the_tightest_limit(limit: str, a_day: int) -> None:
    free = {"openai_model": "my-own", "model_prices": "my-own=0/0/0.01"}
    assert f"(LIMIT_SITE admits {a_day} messages)" in line("worst case", limit_site=limit, **free, **NO_BUDGET)


def test_the_dearest_model_counts() -> None:
    def worst(model: str, more: str = "") -> str:
        return line("worst case", openai_model=model, openai_models=more or model, **NO_BUDGET)

    assert worst("gpt-6-luna") != worst("gpt-6-luna", "gpt-6-sol")
    assert worst("gpt-6-sol", "gpt-6-luna") == worst("gpt-6-luna", "gpt-6-sol") == worst("gpt-6-sol")


def test_prices_that_were_set_are_told_as_such() -> None:
    told = lines(openai_models="my-own", model_prices="my-own=0.015/0/2")[2]
    assert told.endswith("; model: my-own, $0.015 in, $2.00 out per million tokens by MODEL_PRICES")


def test_who_may_enter_names_the_limits_and_the_proxies() -> None:
    told = line("who may enter")
    assert told.startswith("who may enter: everybody, 8/minute;100/day per visitor, ")
    assert ", no trusted proxy; the desk is closed" in told
    assert ", 2 trusted proxies; " in line("who may enter", trusted_proxies=2)


def test_an_access_code_and_an_open_desk_are_told() -> None:
    told = line("who may enter", access_code="some words", admin_password="more than ten characters")
    assert told.startswith("who may enter: those who know the access code, 8/minute")
    assert told.endswith("; the desk is at /admin")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = db.open_engine(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    migrate.prepare(engine)
    yield engine
    engine.dispose()


def reminded(engine: Engine, day: int = 0, **values: object) -> list[str]:
    """What is told so many days after the prices were published."""
    settings = load_settings(_env_file=None, **{"openai_api_key": KEY.reveal(), **values})
    moment = datetime.combine(PUBLISHED[1], time(12), UTC) + timedelta(days=day)
    return reminders(settings, Ring(load_sources(settings, SIGNER), engine), engine, moment.timestamp)


def test_a_key_that_is_due_to_be_replaced_is_named_at_the_start(engine: Engine) -> None:
    assert reminded(engine) == [], "it was never seen"
    settings = load_settings(_env_file=None, openai_api_key=KEY.reveal())
    Ring(load_sources(settings, SIGNER), engine).lead()
    now = datetime.combine(PUBLISHED[1], time(12), UTC).timestamp()
    for days, count in ((29, 0), (31, 1)):
        with db.writing(engine) as connection:
            connection.execute(update(tables.keys).values(first_seen_at=(now - days * 86_400) * 1000))
        told = reminded(engine, key_max_age_days=30)
        assert len(told) == count
    assert KEY.fingerprint in told[0] and "over 30 days" in told[0] and KEY.reveal() not in told[0]


def test_prices_that_have_grown_old_are_warned_of(engine: Engine) -> None:
    assert reminded(engine, 60) == []
    (told,) = reminded(engine, 61)
    assert told.startswith("the prices that costs are counted by are 61 days old: ") and "MODEL_PRICES" in told
    assert reminded(engine, 61, model_prices="gpt-6-luna=0.1/0.01/0.5") == [], "none of them is used"
    assert reminded(engine, 61, openai_api_key=None) == [], "the tutor costs nothing"


def test_a_budget_that_was_changed_on_the_running_server_is_told(engine: Engine) -> None:
    switches.set_cap(engine, "site/day", 7_500_000_000, "desk")
    (told,) = reminded(engine)
    assert "the budget site/day was set to $7.50 on the running server" in told
    switches.set_cap(engine, "site/day", None, "desk")
    assert reminded(engine) == []


def test_a_file_of_the_key_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    (path := tmp_path / "key").write_text(KEY.reveal())
    settings = load_settings(_env_file=None, openai_api_key_file=path)
    for mode, count in ((0o644, 1), (0o602, 1), (0o640, 0), (0o600, 0), (0o400, 0)):
        path.chmod(mode)
        told = [line for line in warnings(Ring(load_sources(settings, SIGNER))) if str(path) in line]
        assert len(told) == count
        assert all(f"chmod 400 {path}" in line for line in told)


def test_no_line_holds_a_password_or_the_key() -> None:
    told = "\n".join(
        lines(
            secret_key=CANARY,
            database_url=f"postgres://chat:{CANARY}@db.example/chat?password={CANARY}",
            ratelimit_storage_uri=f"redis://chat:{CANARY}@redis.example:6379/0?password={CANARY}",
            access_code=CANARY,
            admin_password=CANARY,
            alert_urls=f"json://{CANARY}@alerts.example",
            system_prompt=CANARY,
        )
    )
    assert CANARY not in told and KEY.reveal() not in told and KEY.reveal()[10:30] not in told
    assert "db.example/chat" in told and "redis://redis.example" in told
