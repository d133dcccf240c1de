"""The operator's desk in a browser: without scripts, by keyboard and screen reader, in both colours, on a phone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, two_looks
from tests.browser.test_looks import SMALL_TARGETS, look, violations
from tests.conftest import Served, serving
from tests.ledger_rows import fill

PASSWORD = "a horse with a battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    with serving(folder) as start:
        yield start(ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def ledger(served: Served) -> Path:
    path = Path(served.database.removeprefix("sqlite:///"))
    fill(path, 2_000, visitors=40)
    return path


@pytest.fixture
def desk(served: Served, ledger: Path) -> str:
    """The address of a server whose desk nobody has used yet."""
    database = sqlite3.connect(ledger, timeout=60)  # the server writes, too
    with database:
        for table in ("switches", "blocks", "audit", "sessions", "limit_counters"):
            database.execute(f"DELETE FROM {table}")
    database.close()
    return served.url


def enter(page: Page, url: str) -> None:
    page.goto(url + "/admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The desk", exact=True)).to_be_visible()


@two_looks
def test_the_desk_has_no_barriers(
    new_page: Callable[..., Page], desk: str, watch: Any, tmp_path: Path, device: dict[str, Any], colours: str
) -> None:
    watch.expected += ["422", "403"]
    page = new_page(**device, color_scheme=colours)
    least = 44 if device is PHONE else 24
    targets = SMALL_TARGETS.replace(
        "'a, button", "'a, input:not([type=hidden], [type=checkbox]), label:has(input), button"
    )
    page.goto(desk + "/admin")
    page.get_by_label("Password").fill("a wrong one")
    page.keyboard.press("Enter")
    expect(page.get_by_text("That is not the password.")).to_be_visible()
    look(page, tmp_path / "entrance.png")
    assert page.evaluate(targets, least) == []
    enter(page, desk)
    for summary in page.locator("summary").all():
        summary.click()
    look(page, tmp_path / "desk.png")
    assert page.evaluate(targets, least) == []
    page.get_by_label("Until (UTC)").fill("2020-01-01T00:00")
    page.get_by_label("Visitor's id").fill("ab" * 16)
    page.get_by_label("Why", exact=True).fill("a script")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("That time is over")
    expect(page.get_by_label("Until (UTC)")).to_be_focused()
    look(page, tmp_path / "mistake.png")
    page.get_by_label("Until (UTC)").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Block", exact=True).click()
    page.get_by_label("Pause: why").fill("a look at the bill")
    page.get_by_role("button", name="Pause all spending").click()
    expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    look(page, tmp_path / "paused.png")
    assert page.evaluate(targets, least) == []


def test_at_320_pixels_the_desk_needs_no_sideways_scrolling(new_page: Callable[..., Page], desk: str) -> None:
    page = new_page(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    enter(page, desk)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [320, 320]


def test_everything_works_without_scripts(new_page: Callable[..., Page], desk: str, watch: Any) -> None:
    watch.expected.append("422")
    page = new_page(java_script_enabled=False)
    enter(page, desk)
    page.locator("summary", has_text="Change the cap").first.click()
    field = page.get_by_label("Dollars").first
    field.fill("lots")
    page.keyboard.press("Enter")
    expect(field).to_have_value("lots")
    expect(field).to_have_accessible_description(re.compile("Write dollars and cents"))
    expect(page).to_have_title(re.compile("^Error: "))
    field.fill("7.50")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The cap is changed.")
    expect(page.get_by_role("region", name="Today", exact=True)).to_contain_text("of $7.50")
    page.get_by_role("link", name="Block…").first.click()
    expect(page.get_by_label("Visitor's id")).to_have_value(re.compile("^[0-9a-f]{32}$"))
    page.get_by_label("Why", exact=True).fill("a script")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_role("group", name="Blocked now")).to_contain_text("a script")
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_role("group", name="Blocked now")).to_have_count(0)
    expect(page.get_by_role("group", name="What was done").get_by_role("row")).to_have_count(5)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(desk + "/admin")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_chart_is_told_in_words_and_its_table_opens_by_keyboard(page: Page, desk: str) -> None:
    enter(page, desk)
    chart = page.get_by_role("img", name="Cost by hour, last 24 hours, at most $")
    expect(chart).to_be_visible()
    assert chart.evaluate("(node) => node.getBoundingClientRect().height") == 146
    card = page.get_by_role("region", name="Cost by hour, last 24 hours")
    card.locator("summary").focus()
    page.keyboard.press("Enter")
    table = card.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_count(8)
    expect(table.get_by_role("rowheader")).to_have_count(24)
    assert violations(page) == []


def test_the_forms_work_over_plain_http_under_a_name(new_page: Callable[..., Page], desk: str, watch: Any) -> None:
    """Where a browser sends no Sec-Fetch-Site, a form's origin alone says that it is the desk's own.

    The server is its own proxy, so that it has a name that is not local.
    """
    watch.expected.append("Cross-Origin-Opener-Policy header has been ignored")
    page = new_page(proxy={"server": desk})
    enter(page, "http://chat.test")
    page.get_by_label("Pause: why").fill("a look at the bill")
    with page.expect_request(lambda request: request.method == "POST") as posted:
        page.get_by_role("button", name="Pause all spending").click()
    assert "sec-fetch-site" not in posted.value.all_headers()
    expect(page.get_by_role("heading", name="Paused")).to_be_visible()
