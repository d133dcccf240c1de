"""Prices: right to the nano-dollar, by hand, by the price data and by the fake's bill; what is not known is refused."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version

import pytest
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Tier, TieredPrices
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chats import context
from chatbot.chats.continuing import ASKING, asking_for_rest
from chatbot.chats.worst_case import most_input_tokens
from chatbot.config import load_settings
from chatbot.errors import SettingsError
from chatbot.model.events import GO_ON, Usage
from chatbot.money.prices import OLD_DAYS, PUBLISHED, Prices, PriceUnknown
from chatbot.money.rates import ladder
from tests.fake_openai_parts import calls, models

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPENAI = next(provider for provider in get_snapshot().providers if provider.id == "openai")


def at(moment: datetime) -> Callable[[], float]:
    return moment.timestamp


def made(model_prices: str = "", moment: datetime = NOW, **values: object) -> Prices:
    return Prices(load_settings(_env_file=None, model_prices=model_prices or {}, **values), clock=at(moment))


def knows(prices: Prices, model: str) -> bool:
    try:
        return prices.cost_nano(model, Usage(input=1, output=1)) >= 0
    except PriceUnknown:
        return False


PRICES = made("tiny=0.0001/0.00001/0.0007,odd=1/3/2,free=0/0/0")
KNOWN = [model.id for model in OPENAI.models if knows(PRICES, model.id)]
TOKENS = st.integers(0, 400_000) | st.sampled_from([0, 1, 271_999, 272_000, 272_001])
ANY_MODEL = st.sampled_from([*KNOWN, "tiny", "odd", "free"])


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Usage that does not contradict itself."""
    sent = draw(TOKENS)
    cached = draw(st.integers(0, sent))
    return Usage(sent, cached, draw(st.integers(0, sent - cached)), draw(st.integers(0, 130_000)))


# 100,000 cached tokens, 50,000 written to the cache, 1,000 out; the rest of the input is 122,000 or 122,001 tokens.
# Nano-dollars per token are dollars per million tokens times 1,000.
GOLDEN = [
    # 122,000 x 100 + 100,000 x 10 + 50,000 x 125 + 1,000 x 500; and 122,001 x 200, x 20, x 250, x 750
    ("gpt-6-luna", NOW, 19_950_000, 39_650_200),
    # x 2,000, 200, 2,500, 10,000; and x 4,000, 400, 5,000, 15,000
    ("gpt-6-sol", NOW, 399_000_000, 793_004_000),
    # x 2,500, 250, 3,125, 15,000; and x 5,000, 500, 6,250, 22,500
    ("gpt-5.6-terra", datetime(2026, 7, 29, 23, 59, 59, tzinfo=UTC), 501_250_000, 995_005_000),
    # since then x 2,000, 200, 2,500, 12,000; and x 4,000, 400, 5,000, 18,000
    ("gpt-5.6-terra", datetime(2026, 7, 30, tzinfo=UTC), 401_000_000, 796_004_000),
    # no price of a cache write: 172,000 x 5,000, 100,000 x 500, 1,000 x 30,000; and 172,001 x 10,000, 1,000, 45,000
    ("gpt-5.5", NOW, 940_000_000, 1_865_010_000),
    # nor that, nor dearer when long: 172,000 (and 172,001) x 750 + 100,000 x 75 + 1,000 x 4,500
    ("gpt-5.4-mini", NOW, 141_000_000, 141_000_750),
]


@pytest.mark.parametrize("model,moment,short,long", GOLDEN)
def test_a_call_costs_what_one_works_out_by_hand(model: str, moment: datetime, short: int, long: int) -> None:
    prices = made(moment=moment)
    for sent, cost in ((272_000, short), (272_001, long)):
        assert prices.cost_nano(model, Usage(sent, 100_000, 50_000, 1_000, reasoning=900)) == cost


def test_each_kind_of_token_costs_its_own() -> None:
    kinds = [Usage(input=1), Usage(input=1, cached=1), Usage(input=1, cache_write=1), Usage(output=1), Usage()]
    assert [PRICES.cost_nano("gpt-6-luna", usage) for usage in kinds] == [100, 10, 125, 500, 0]


def test_a_price_that_changes_is_followed_while_the_server_runs() -> None:
    now = [datetime(2026, 7, 29, 23, 50, tzinfo=UTC)]
    prices = Prices(load_settings(_env_file=None), clock=lambda: now[0].timestamp())
    assert prices.cost_nano("gpt-5.6-terra", Usage(output=1)) == 15_000
    now[0] += timedelta(minutes=10)
    assert prices.cost_nano("gpt-5.6-terra", Usage(output=1)) == 12_000


@given(usages(), st.sampled_from(sorted(models._PRICES)))
def test_it_is_what_the_fake_bills(usage: Usage, model: str) -> None:
    billed = models.nano_dollars(model, calls.Usage(usage.input, usage.cached, usage.cache_write, usage.output))
    assert PRICES.cost_nano(model, usage) == billed


@given(usages(), st.sampled_from(KNOWN))
def test_it_is_what_the_price_data_say_rounded_up(usage: Usage, model: str) -> None:
    priced = PricedUsage(
        input_tokens=usage.input, cache_read_tokens=usage.cached, cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )  # fmt: skip
    said = calc_price(priced, model, provider_id="openai", genai_request_timestamp=NOW).total_price * 10**9
    assert 0 <= PRICES.cost_nano(model, usage) - said < 1


def test_a_price_that_was_set_counts_first_and_a_cache_write_is_then_a_quarter_dearer() -> None:
    prices = made("gpt-6-luna=1/0.5/2,my-own=0.0001/0/0.0007")
    kinds = [Usage(input=4), Usage(input=4, cached=4), Usage(input=4, cache_write=4), Usage(output=4)]
    assert [prices.cost_nano("gpt-6-luna", usage) for usage in kinds] == [4_000, 2_000, 5_000, 8_000]
    assert prices.cost_nano("gpt-6-luna", Usage(input=300_000)) == 300_000_000, "no dearer when long"
    assert prices.cost_nano("my-own", Usage(input=11, cached=1)) == 1, "10 x 0.1, with nothing lost on the way"
    assert prices.cost_nano("my-own", Usage(input=11)) == 2, "1.1 rounded up"


@pytest.mark.parametrize(
    "model",
    ["", " ", "*", ".*", "gpt", "gpt-", "gpt-6-luna-large", " gpt-6-luna", "gpt-6-luna\n", "gpt-6.2-luna", "\ud800",
     "x" * 100_000, "openai/gpt-6-luna", "claude-opus-4", "moderation", "text-embedding-3-small", "whisper-1"],
)  # fmt: skip
def test_a_model_without_a_price_of_both_is_not_taken_for_free(model: str) -> None:
    deeds: list[Callable[[], int]] = [
        lambda: PRICES.cost_nano(model, Usage()),
        lambda: PRICES.worst_nano(model, 0, 0),
        lambda: PRICES.output_that_fits(model, 0, 0, 0),
    ]
    for deed in deeds:
        with pytest.raises(PriceUnknown):
            deed()


def test_a_dated_name_of_a_model_has_its_price() -> None:
    for name in ("gpt-6-luna-2026-10-01", "GPT-6-Luna"):
        assert PRICES.cost_nano(name, Usage(input=1)) == 100


def test_the_start_is_refused_with_a_line_for_each_model_without_a_price() -> None:
    made(openai_models="gpt-6-sol,my-own", model_prices="my-own=0/0/0").check()
    with pytest.raises(SettingsError) as refused:
        made(openai_model="my-own", openai_models="gpt-6-sol,another", model_prices="my-own2=1/1/1").check()
    assert refused.value.lines == [
        f"{name} names {model}, whose price is not known: set it, in $ per million tokens."
        f" Example: MODEL_PRICES={model}=<input>/<cached>/<output>"
        for name, model in (("OPENAI_MODEL", "my-own"), ("OPENAI_MODELS", "another"))
    ]


def test_the_tutor_costs_nothing_whatever_the_model_is() -> None:
    prices = Prices(load_settings(_env_file=None, openai_model="my-own"), free=True)
    prices.check()
    assert prices.cost_nano("my-own", Usage(input=300_000, output=9)) == 0
    assert prices.worst_nano("my-own", 300_000, 9) == 0
    assert prices.output_that_fits("my-own", 300_000, 0, 2048) == 2048


@given(st.builds(Usage, *[st.integers(-10, 400_000)] * 4), ANY_MODEL)
def test_usage_that_contradicts_itself_is_neither_below_nothing_nor_above_the_worst(usage: Usage, model: str) -> None:
    worst = PRICES.worst_nano(model, max(0, usage.input), max(0, usage.output))
    assert 0 <= PRICES.cost_nano(model, usage) <= worst


@given(usages(), ANY_MODEL, TOKENS, st.integers(0, 130_000))
def test_no_call_costs_more_than_the_worst_of_its_bounds(usage: Usage, model: str, more: int, output: int) -> None:
    worst = PRICES.worst_nano(model, usage.input + more, usage.output + output)
    assert PRICES.cost_nano(model, usage) <= worst


def test_the_worst_is_no_more_than_it_can_be() -> None:
    for model, _, _, _ in GOLDEN:
        for sent in (1_000, 272_000, 272_001):
            dearest = max(PRICES.cost_nano(model, Usage(sent, 0, written, 2048)) for written in (0, sent))
            assert PRICES.worst_nano(model, sent, 2048) == dearest


def test_a_long_input_that_were_cheaper_would_not_lower_the_worst() -> None:
    falling = TieredPrices(base=Decimal(3), tiers=[Tier(start=10, price=Decimal(1))])
    short, long = ladder(falling, falling, falling, falling)
    assert (short.above, long.above) == (-1, 10)
    assert long.input == long.output == 1_000
    assert long.most_input == long.most_output == 3_000


@given(ANY_MODEL, TOKENS, st.integers(-10, 10**9), st.integers(0, 5_000))
def test_the_output_that_fits_is_the_most_that_does(model: str, sent: int, nano: int, most: int) -> None:
    fits = PRICES.output_that_fits(model, sent, nano, most)
    assert 0 <= fits <= most
    if fits:
        assert PRICES.worst_nano(model, sent, fits) <= nano
    if fits < most:
        assert PRICES.worst_nano(model, sent, fits + 1) > nano


def test_the_output_that_fits_by_hand() -> None:
    # 1,000 tokens written to the cache at 125, and 500 for each token out
    for nano, fits in ((125_000 + 500 * 300, 300), (125_000 + 500 * 300 - 1, 299), (125_499, 0), (124_999, 0), (0, 0)):
        assert PRICES.output_that_fits("gpt-6-luna", 1_000, nano, 2048) == fits
    assert PRICES.output_that_fits("gpt-6-luna", 1_000, 10**9, 2048) == 2048


TEXTS = st.text(st.sampled_from("a€\U0001f600"), max_size=40)


@given(st.lists(TEXTS, max_size=12), TEXTS, TEXTS, st.integers(1, 200))
def test_no_chat_sends_more_than_the_settings_bound(older: list[str], question: str, system: str, most: int) -> None:
    turns = [(("user", "assistant")[number % 2], text) for number, text in enumerate([*older, question])]
    settings = load_settings(
        _env_file=None, system_prompt=system, max_message_chars=max(1, len(question)), max_context_tokens=most
    )
    kept, _ = context.fit(system, turns, most)
    assert context.most_tokens(system, kept) <= most_input_tokens(settings)


@given(
    st.lists(TEXTS, max_size=6), TEXTS, st.text(st.sampled_from("a€\U0001f600"), max_size=4000), st.integers(1, 3000)
)
def test_nor_does_an_answer_that_goes_on(older: list[str], question: str, so_far: str, most: int) -> None:
    turns = [(("user", "assistant")[number % 2], text) for number, text in enumerate(older)]
    settings = load_settings(
        _env_file=None, system_prompt="", max_message_chars=max(1, len(question)), max_context_tokens=most
    )
    asking = asking_for_rest("", [*turns, ("user", question)], so_far, most)
    kept, _ = context.fit("", asking, most, ASKING)
    assert [text for _, text in kept[-3:]] == [question, kept[-2][1], GO_ON]
    assert so_far.endswith(kept[-2][1])
    assert kept[-2][1] or not so_far
    assert context.most_tokens("", kept) <= most_input_tokens(settings)


def test_the_day_of_the_price_data_is_known() -> None:
    """It is that of the release: write the new one down when the package is updated."""
    assert version("genai-prices") == PUBLISHED[0]
    assert PRICES.checked_on == PUBLISHED[1] == date(2026, 11, 10)
    assert PRICES.age_days == 15


def test_prices_older_than_sixty_days_are_old_unless_all_were_set() -> None:
    for days in (0, OLD_DAYS, OLD_DAYS + 1):
        moment = datetime.combine(PUBLISHED[1], datetime.min.time(), UTC) + timedelta(days=days)
        assert made(moment=moment).age_days == days
        assert made(moment=moment).are_old == (days > 60)
        assert made("gpt-6-luna=1/1/1", moment, openai_models="gpt-6-sol").are_old == (days > 60)
        assert not made("gpt-6-luna=1/1/1", moment).are_old


def test_the_operator_reads_prices_without_losing_digits() -> None:
    assert PRICES.words("gpt-6-luna") == "$0.10 in, $0.50 out per million tokens"
    assert PRICES.words("tiny") == "$0.0001 in, $0.0007 out per million tokens by MODEL_PRICES"


@pytest.mark.alone
def test_a_call_takes_far_less_than_a_tenth_of_a_millisecond() -> None:
    usage = Usage(272_001, 5, 7, 9)
    for deed in (
        lambda: PRICES.cost_nano("gpt-6-luna", usage),
        lambda: PRICES.worst_nano("gpt-6-luna", 48_000, 2048),
        lambda: PRICES.output_that_fits("gpt-6-luna", 48_000, 10**7, 2048),
    ):
        took = timeit.repeat(deed, timer=time.process_time, number=50, repeat=100)  # whatever else the machine does
        assert min(took) / 50 < 1e-4


def test_a_regional_host_of_openais_costs_a_tenth_more() -> None:
    usage = Usage(input=1_000, output=1_000)
    regional = load_settings(_env_file=None, openai_base_url="https://eu.api.openai.com/v1")
    assert Prices(load_settings(_env_file=None)).cost_nano("gpt-6-luna", usage) == 600_000
    assert Prices(regional).cost_nano("gpt-6-luna", usage) == 660_000
