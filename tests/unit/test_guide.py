"""Holds the guide to its promises: links that resolve, short sections, and nothing that the app does not have."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import openai
import pytest

from chatbot import book
from chatbot.chats.worst_case import CALLS, most_input_tokens
from chatbot.cli import commands
from chatbot.commands import doctor, reconcile
from chatbot.config import Settings, load_settings
from chatbot.money import fit, quota, vigil
from chatbot.money.prices import OLD_DAYS
from chatbot.visitors import conduct
from tests.fake_openai_parts import models

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [page for page in book.load(ROOT) if page.shelf == book.GUIDE]
SECTIONS = [section for page in PAGES for section in page.sections]
OPENAI = ("https://platform.openai.com", "https://developers.openai.com/api/docs/")


def test_the_pages_come_in_the_order_of_a_first_visit_and_each_begins_with_a_summary() -> None:
    first = ["get-a-key", "keep-it-safe", "if-it-leaks", "what-it-costs", "use-it-well", "older-guides"]
    assert [page.slug for page in PAGES] == first
    for page in PAGES:
        assert 8 <= len(page.sections) <= 18, page.slug
        assert page.sections[0].title == "In short"


def test_every_section_is_40_to_120_words_long() -> None:
    assert not [(s.anchor, n) for s in SECTIONS if not 40 <= (n := len(s.text.split())) <= 120]


def test_every_section_says_how_people_ask_for_it() -> None:
    assert not [section.link for section in SECTIONS if len(section.asked.split(",")) < 3]


def test_every_piece_of_advice_is_a_place_in_the_code_and_a_test() -> None:
    advice = [section for section in SECTIONS if section.title != "In short"]
    assert not [s.link for s in advice if not {"code", "test"} <= {anchor.kind for anchor in s.anchors}]


def test_every_exercise_of_the_lab_is_linked_from_the_advice_that_it_breaks() -> None:
    linked = set(re.findall(r"\]\(/guide/lab/([^)#]+)", "".join(section.text for section in SECTIONS)))
    assert linked == {path.parent.name for path in (ROOT / "lab").glob("*/README.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_the_ids_of_the_headings_are_unique(page: book.Page) -> None:
    assert max(Counter(section.anchor for section in page.sections).values()) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_every_link_inside_the_guide_resolves(page: book.Page) -> None:
    pages = book.load(ROOT)
    known = {f"/guide/{page.slug}" for page in pages}
    known |= {f"/guide/{s.page_slug}#{s.anchor}" for page in pages for s in page.sections}
    html = "".join([page.lead_html, *(piece for section in page.sections for piece in section.html)])
    in_html = re.findall(r'href="([^"]+)"', html)
    in_text = re.findall(r"\]\(([^)]+)\)", page.text)
    assert in_html == in_text
    assert not [link for link in in_html if link not in known and not link.startswith(OPENAI)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_links_in_the_files_lead_from_file_to_file(page: book.Page) -> None:
    folder = ROOT / "docs" / "guide"
    for link in re.findall(r"\]\(([^)]+)\)", (folder / f"{page.slug}.md").read_text()):
        assert link.startswith(("#", "https://")) or (folder / link.split("#")[0]).is_file(), link


def test_every_setting_that_the_guide_names_is_a_setting_of_the_app() -> None:
    named = {name for page in PAGES for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", page.text)}
    assert "OPENAI_API_KEY_FILE" in named
    assert not named - {name.upper() for name in Settings.model_fields}


def test_every_default_that_the_guide_quotes_is_the_default() -> None:
    quoted = {name: value for s in SECTIONS for name, value in re.findall(r"`([A-Z_]+)` at (\d+)", s.text)}
    assert quoted, "the worked example no longer names a default"
    for name, value in quoted.items():
        assert str(Settings.model_fields[name.lower()].default).startswith(value), name


def test_the_worked_example_adds_up() -> None:
    text = text_of("a-worked-example")
    settings = load_settings(_env_file=None)
    bytes_in, tokens_out = most_input_tokens(settings), settings.max_output_tokens
    one_call = bytes_in * 0.125 / 1e6 + tokens_out * 0.50 / 1e6
    assert f"{bytes_in:,} x $0.125 / 1,000,000 + {tokens_out:,} x $0.50 / 1,000,000 = ${one_call:.4f}" in text
    assert f"about ${round(5000 * CALLS * one_call)}." in text
    assert f"{round(1000 * (800 * 0.10 + 300 * 0.50) / 1e6 * 100)} cents" in text


def test_the_numbers_that_the_guide_gives_are_the_codes() -> None:
    assert f"not even {fit.USEFUL_TOKENS} tokens" in text_of("budgets")
    pausing = text_of("pausing")
    assert (
        f"for {quota.FIRST_MS // 1000} seconds" in pausing and f"up to {quota.LONGEST_MS // 60_000} minutes" in pausing
    )
    (*some, last) = Settings.model_fields["alert_at"].default
    watching = text_of("watching-what-is-spent")
    assert f"at {', '.join(map(str, some))} and {last} percent of a budget" in watching
    assert vigil.FACTOR == 10 and "an hour takes ten times the usual" in watching
    compared = text_of("see-what-was-spent")
    assert (reconcile.MARGIN, reconcile.LEAST_NANO) == (0.05, 10_000_000) and "over five percent and a cent" in compared
    assert f"warns {doctor.SOON_DAYS} days before" in text_of("models-of-the-day")
    assert f"over {OLD_DAYS} days old" in text_of("prices-of-the-day")
    assert conduct.MOST["visitor"] == 3 and "three of them in an hour" in text_of("moderation")
    kept = Settings.model_fields["chat_retention_days"].default
    assert f"the default of {kept} keeps them for good" in text_of("what-this-app-keeps")


def test_the_guide_dates_the_end_of_models_as_their_list_does() -> None:
    told = text_of("models-of-the-day")
    for name, ends in (("gpt-5-mini", "gpt-5 and o3 follow on"), ("gpt-4o-mini", "gpt-4o and gpt-4.1 on")):
        day = date.fromisoformat(models.describe(name)["shutdown_date"])
        assert f"{ends} {day.day} {day:%B %Y}" in told
    assert models.ENDED == ("gpt-3.5-turbo", "gpt-4") and "gpt-3.5 and gpt-4 ended on" in told


def test_what_is_said_of_the_sdk_is_so() -> None:
    told = text_of("the-old-sdk")
    assert f"is at version {openai.__version__.split('.')[0]}:" in told
    with pytest.raises(Exception, match="no longer supported") as gone:
        openai.ChatCompletion.create()
    assert f"raises `{type(gone.value).__name__}`" in told
    assert openai.DEFAULT_MAX_RETRIES == 2 and "tries a failed call twice more" in told


def test_the_page_tells_its_visitors_that_a_machine_answers() -> None:
    words = (ROOT / "static" / "js" / "words" / "en.js").read_text()
    below_the_box = (ROOT / "templates" / "chat" / "dock.html").read_text()
    for name in ("footnote", "temporaryFootnote"):
        assert f'data-word="{name}"' in below_the_box
        assert re.search(rf"^  {name}: '.*A machine answers, and it can be wrong\.", words, re.M)


def text_of(anchor: str) -> str:
    """A section's text in one line."""
    return " ".join(next(section.text for section in SECTIONS if section.anchor == anchor).split())


def test_every_command_and_address_that_the_guide_names_exists() -> None:
    text = "\n".join(page.text for page in PAGES)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    named = {" ".join(name.split()) for name in re.findall(r"`flask\s([a-z]+(?:\s[a-z]+)?)(?:\s--[a-z]+)?`", text)}
    known = {f"{group.name} {name}" for group in commands for name in getattr(group, "commands", {})}
    assert named <= {"run", *known, *(command.name for command in commands)}
    everyday = {"setup", "doctor", "drill", "scan", "keys verify", "keys status", "usage", "pause", "alerts test"}
    assert everyday <= named
    pages = (ROOT / "chatbot" / "web" / "pages.py").read_text()
    for address in set(re.findall(r"`(/[a-z]+z)`", text)):
        assert f'"{address}"' in pages


def test_the_guide_holds_nothing_that_looks_like_a_key() -> None:
    assert not [page.slug for page in PAGES if re.search(r"sk-[A-Za-z0-9_-]{8,}|T3BlbkFJ", page.text)]


def test_prices_stand_only_beside_a_date() -> None:
    priced = [section for section in SECTIONS if re.search(r"\$\d", section.text)]
    assert [section.title for section in priced if not re.search(r"20\d\d", section.text)] == []
