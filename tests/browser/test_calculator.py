"""The guide's cost calculator reckons as the ledger does, with the app's own prices, for every reader."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatbot.config import Settings, load_settings
from chatbot.money.price_list import price_list
from chatbot.money.prices import Prices
from chatbot.web.calculator import Habits, dollars, figures, mean_nano
from tests.browser.conftest import two_looks
from tests.browser.test_looks import look
from tests.conftest import serving

# A price whose parts of a nano-dollar are rounded, bounds that are reached, and a model that the site offers.
SITE: dict[str, Any] = {
    "OPENAI_MODEL": "gpt-6-luna",
    "OPENAI_MODELS": "gpt-6-sol,odd-one",
    "MODEL_PRICES": "odd-one=0.123457/0.012345/1.11111",
    "MAX_CONTEXT_TOKENS": "3000",
    "MAX_OUTPUT_TOKENS": "700",
    "BUDGET_SITE_DAY": "0.05",
    "BUDGET_SITE_MONTH": "0",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """The address of the page, and the settings that it is served with."""
    settings = load_settings(_env_file=None, **{name.lower(): value for name, value in SITE.items()})
    with serving(tmp_path_factory.mktemp("calculator")) as start:
        yield f"{start(**SITE).url}/guide/what-it-costs", settings


def test_the_same_tokens_cost_the_same_as_in_the_ledger(page: Page, site: tuple[str, Settings]) -> None:
    url, settings = site
    prices, chance = Prices(settings), random.Random(7)
    page.goto(url)
    asked = []
    for listed in price_list(settings):
        for _ in range(40):
            words, length = [chance.randint(1, 2500) for _ in range(2)], chance.randint(1, 30)
            habits = Habits(1, *words, length, chance.randint(0, 900), chance.randint(0, 100))
            asked.append((listed._asdict(), habits))
    bounds = {"context": settings.max_context_tokens, "output": settings.max_output_tokens}
    told = page.evaluate(
        """async ([asked, bounds]) => {
            const { meanNano } = await import('/static/js/guide/cost.js');
            return asked.map(([prices, habits]) => meanNano(prices, habits, bounds));
        }""",
        [[(prices, habits._asdict()) for prices, habits in asked], bounds],
    )
    meant = [float(mean_nano(settings, prices, str(listed["name"]), habits)) for listed, habits in asked]
    assert told == meant
    assert len(set(meant)) > len(meant) / 2


def test_the_page_shows_what_the_reader_asks_for_against_the_budget_of_the_site(
    page: Page, site: tuple[str, Settings]
) -> None:
    url, settings = site
    page.goto(url)
    shown = figures(settings, [model.name for model in price_list(settings)]).shown
    parts = ("message", "day", "month", "worst", "of_day")
    output = {name: page.locator(f"output[data-part={name.replace('_', '-')}]") for name in parts}
    for name in parts:
        expect(output[name]).to_have_text(shown[name])
    expect(page.locator("[data-part=of-month]")).to_have_count(0)

    form = page.get_by_role("form", name="Reckon it for your site")
    form.get_by_label("Model").select_option("odd-one")
    form.get_by_label("Messages a day").fill("2000")
    form.get_by_label("Words in a question").fill("100")
    form.get_by_label("Words in an answer").fill("9999999")
    form.get_by_label("Questions in a chat").fill("")
    form.get_by_label("Thinking").fill("50")
    form.get_by_label("History cached").fill("-4")
    mean = mean_nano(settings, Prices(settings), "odd-one", Habits(2000, 100, 10_000, 1, 50, 0))
    for name, nano in (("message", mean), ("day", 2000 * mean), ("month", 60_000 * mean)):
        expect(output[name]).to_have_text(dollars(nano))
    expect(output["worst"]).to_have_text(dollars(figures(settings, ["odd-one"]).worst["odd-one"]))
    assert re.fullmatch(r"[\d,]{4,} %", output["of_day"].inner_text())


@two_looks
def test_the_calculator_has_no_barriers_and_moves_nothing(
    new_page: Callable[..., Page], site: tuple[str, Settings], tmp_path: Path, device: dict[str, Any], colours: str
) -> None:
    page = new_page(**device, color_scheme=colours)
    page.goto(site[0])
    form = page.locator(".calculator")
    form.scroll_into_view_if_needed()
    before = form.bounding_box()
    page.get_by_label("Messages a day").fill("999999")
    expect(page.locator("output[data-part=day]")).not_to_have_text(re.compile(r"\$0\."))
    assert form.bounding_box() == before
    look(page, tmp_path / "calculator.png")


def test_without_scripts_there_are_prices_and_an_example(
    new_page: Callable[..., Page], site: tuple[str, Settings]
) -> None:
    url, settings = site
    page = new_page(java_script_enabled=False)
    page.goto(url)
    shown = figures(settings, [settings.openai_model]).shown
    expect(page.get_by_text(f"{shown['message']} a message, {shown['day']} a day")).to_be_visible()
    expect(page.locator(".calculator")).to_be_hidden()
    rows = page.get_by_role("table", name="What this app counts by").get_by_role("row")
    expect(rows.filter(has_text="odd-one")).to_contain_text("1.11111")
    expect(rows).to_have_count(1 + len(price_list(settings)))
