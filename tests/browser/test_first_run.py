"""The tutor's page shows whoever runs it the way to a live app: the steps of `flask setup`, out of a visitor's way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatbot.commands.first_run.steps import STEPS
from tests.browser.conftest import PHONE, two_looks
from tests.browser.test_looks import SMALL_TARGETS, look
from tests.conftest import Served, wait_for


@pytest.fixture
def url(tutored: Served) -> str:
    return tutored.url


@two_looks
def test_the_steps_are_those_of_the_command_and_have_no_barriers(
    new_page: Callable[..., Page], url: str, tmp_path: Path, device: dict[str, Any], colours: str
) -> None:
    page = new_page(**device, color_scheme=colours, reduced_motion="reduce")
    page.goto(url)
    page.get_by_role("button", name="Go live").click()
    sheet = page.get_by_role("dialog", name="Go live")
    steps = sheet.get_by_role("listitem")
    expect(steps).to_have_count(len(STEPS))
    for step, shown in zip(STEPS, steps.all(), strict=True):
        expect(shown).to_contain_text(step.name)
        expect(shown).to_contain_text(step.says)
    look(page, tmp_path / "go-live.png")
    assert page.evaluate(SMALL_TARGETS, 44 if device is PHONE else 24) == []
    steps.last.get_by_role("button").scroll_into_view_if_needed()
    look(page, tmp_path / "end.png")


def test_commands_are_copied_links_lead_into_the_guide_and_escape_leads_back(
    new_page: Callable[..., Page], url: str
) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(url)
    told = page.evaluate("async () => (await import('/static/js/words/en.js')).default.goLiveSteps")
    assert [(step["name"], step["says"], step["command"]) for step in told] == [tuple(step) for step in STEPS]

    button, sheet = page.get_by_role("button", name="Go live"), page.get_by_role("dialog", name="Go live")
    button.focus()
    page.keyboard.press("Enter")
    for command in dict.fromkeys(step.command for step in STEPS):
        expect(sheet.get_by_text(command, exact=True)).to_be_visible()
        sheet.get_by_role("button", name=f"Copy “{command}”").press("Enter")
        wait_for(lambda command=command: page.evaluate("navigator.clipboard.readText()") == command)
        expect(sheet.get_by_role("status")).to_have_text("Copied")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as over plain http
    said = sheet.get_by_role("status").text_content()
    sheet.get_by_role("button", name=f"Copy “{STEPS[0].command}”").press("Enter")
    expect(sheet.get_by_role("status")).not_to_have_js_property("textContent", said)
    expect(sheet.get_by_role("status")).to_have_text("Copied")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(button).to_be_focused()

    button.click()
    expect(sheet).to_be_visible()
    links = [link.get_attribute("href") for link in sheet.get_by_role("link").all()]
    assert len(links) == 2
    for link in links:
        page.goto(f"{url}{link}")
        expect(page.locator(f"[id='{str(link).partition('#')[2]}']")).to_be_in_viewport()
