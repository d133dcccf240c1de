"""What the operator reads at start: right to the cent, and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from chatbot import db, migrate, tables
from chatbot.config import load_settings
from chatbot.key.credential import Key
from chatbot.key.ring import Ring
from chatbot.key.source import load_sources
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


def test_the_worst_case_is_right_by_hand() -> None:
    # Bytes sent: 1,000 tokens of 3 bytes, more than 700 characters of 4, and 100 of the prompt: 3,100, each taken for a
    # token and written to the cache at $0.125 a million: 387,500 nano-dollars. Out: 1,000 at $0.50 a million: 500,000.
    # With the one retry twice that: 1,775,000, or $0.0018; 400 a day make $0.71, 31 days $22.01.
    told = line(
        "worst case", max_context_tokens=1000, max_message_chars=700, system_prompt="p" * 100, max_output_tokens=1000,
        limit_site="400/day",
    )  # fmt: skip
    assert told == (
        "worst case: $0.71 a day, $22.01 a month (LIMIT_SITE admits 400 messages a day, each at most $0.0018)"
    )


def test_one_long_message_may_be_the_dearest() -> None:
    # 8,000 characters of 4 bytes and 100 of the prompt: 32,100 tokens: 4,012,500; out 16: 8,000; twice: 8,041,000.
    told = line(
        "worst case", max_context_tokens=10, max_message_chars=8000, system_prompt="é" * 50, max_output_tokens=16,
        limit_site="1000/day",
    )  # fmt: skip
    assert told.startswith("worst case: $8.04 a day, $249.27 a month ")


@pytest.mark.parametrize(
    "limit,a_day",
    [("5000/day", 5000), ("10/hour", 240), ("10/hour;100/day", 100), ("1/7 minute", 206), ("9/month", 9), ("0/day", 0),
     ("100/2 day", 100), ("1/second;50/minute", 72_000)],
)  # fmt: skip
def test_the_messages_of_a_day_follow_from_the_tightest_limit(limit: str, a_day: int) -> None:
    assert f"(LIMIT_SITE admits {a_day} messages a day," in line("worst case", limit_site=limit)


def test_the_dearest_model_counts() -> None:
    cheap = line("worst case", openai_model="gpt-6-luna")
    assert line("worst case", openai_model="gpt-6-luna", openai_models="gpt-6-sol") != cheap
    assert line("worst case", openai_model="gpt-6-sol", openai_models="gpt-6-luna") == line(
        "worst case", openai_model="gpt-6-sol"
    )


def test_a_price_that_is_not_known_is_not_taken_for_nothing() -> None:
    for models in ("my-own-model", "my-own-model,gpt-6-luna"):
        told = lines(openai_model="gpt-6-luna", openai_models=models)
        assert "my-own-model, price not known" in told[2]
        assert told[3] == "worst case: not known, because the price of a model is not"


def test_who_may_enter_names_the_limits_and_the_proxies() -> None:
    assert "8/minute;100/day per visitor" in line("who may enter")
    assert line("who may enter").endswith("no trusted proxy")
    assert line("who may enter", trusted_proxies=2).endswith("2 trusted proxies")


def test_a_key_that_is_due_to_be_replaced_is_named_at_the_start(tmp_path: Path) -> None:
    settings = load_settings(
        _env_file=None, openai_api_key=KEY.reveal(), key_max_age_days=30, database_url=f"sqlite:///{tmp_path}/chat.db"
    )
    engine = db.open_engine(settings)
    migrate.prepare(engine)
    ring = Ring(load_sources(settings, SIGNER), engine)
    assert reminders(settings, ring, engine) == [], "it was never seen"
    ring.lead()
    for days, count in ((29, 0), (31, 1)):
        with db.writing(engine) as connection:
            connection.execute(update(tables.keys).values(first_seen_at=db.now_ms() - days * 86_400_000))
        told = reminders(settings, ring, engine)
        assert len(told) == count
    assert KEY.fingerprint in told[0] and "over 30 days" in told[0] and KEY.reveal() not in told[0]
    engine.dispose()


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
            system_prompt=CANARY,
        )
    )
    assert CANARY not in told and KEY.reveal() not in told and KEY.reveal()[10:30] not in told
    assert "db.example/chat" in told and "redis://redis.example" in told
