"""Holds the guide to its promises: links that resolve, readable sections, and nothing that the app does not have."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from chatbot import book
from chatbot.chats.worst_case import CALLS, most_input_tokens
from chatbot.cli import commands
from chatbot.commands import reconcile
from chatbot.config import Settings, load_settings
from chatbot.money import fit, quota, vigil

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = book.load(ROOT / "docs" / "guide")
SECTIONS = [section for page in PAGES for section in page.sections]


def write(folder: Path, text: str) -> book.Page:
    (folder / "page.md").write_text(text)
    return book.load(folder)[0]


def test_four_pages_in_the_order_of_a_first_visit_have_eight_to_fifteen_sections_and_a_summary() -> None:
    assert [page.slug for page in PAGES] == ["get-a-key", "keep-it-safe", "if-it-leaks", "what-it-costs"]
    for page in PAGES:
        assert 8 <= len(page.sections) <= 15, page.slug
        assert page.sections[0].title == "In short"


def test_every_section_is_40_to_120_words_long() -> None:
    assert not [(s.anchor, n) for s in SECTIONS if not 40 <= (n := len(s.text.split())) <= 120]


def test_every_section_says_how_people_ask_for_it() -> None:
    assert not [section.link for section in SECTIONS if len(section.asked.split(",")) < 3]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_anchors_are_unique_and_are_the_ids_of_the_headings(page: book.Page) -> None:
    ids = re.findall(r'<h2 id="([^"]+)">', page.html)
    assert ids == [section.anchor for section in page.sections]
    assert max(Counter(ids).values()) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_every_link_inside_the_guide_resolves(page: book.Page) -> None:
    known = {f"/guide/{page.slug}" for page in PAGES} | {f"/guide/{s.page_slug}#{s.anchor}" for s in SECTIONS}
    in_html = re.findall(r'href="([^"]+)"', page.html)
    in_text = re.findall(r"\]\(([^)]+)\)", page.text)
    assert in_html == in_text
    assert not [link for link in in_html if link not in known and not link.startswith("https://platform.openai.com")]


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
    assert {"doctor", "drill", "scan", "keys verify", "keys status", "usage", "pause", "resume", "alerts test"} <= named
    pages = (ROOT / "chatbot" / "web" / "pages.py").read_text()
    for address in set(re.findall(r"`(/[a-z]+z)`", text)):
        assert f'"{address}"' in pages


def test_the_guide_holds_nothing_that_looks_like_a_key() -> None:
    assert not [page.slug for page in PAGES if re.search(r"sk-[A-Za-z0-9_-]{8,}|T3BlbkFJ", page.text)]


def test_prices_stand_only_beside_a_date() -> None:
    priced = [section for section in SECTIONS if re.search(r"\$\d", section.text)]
    assert [section.title for section in priced if not re.search(r"20\d\d", section.text)] == []


def test_raw_html_becomes_text(tmp_path: Path) -> None:
    page = write(tmp_path, "# T\n\n## A\n\n<script>x</script> <b>bold</b> [no](javascript:alert(1))\n")
    assert "<script" not in page.html
    assert "<b>" not in page.html
    assert "href" not in page.html


def test_pages_that_nobody_ordered_come_last_by_name(tmp_path: Path) -> None:
    for slug in ("zebra", "what-it-costs", "apple", "get-a-key"):
        (tmp_path / f"{slug}.md").write_text("# T\n")
    assert [page.slug for page in book.load(tmp_path)] == ["get-a-key", "what-it-costs", "apple", "zebra"]


def test_the_words_people_ask_with_are_not_shown(tmp_path: Path) -> None:
    page = write(tmp_path, "# T\n\n## A\n\n<!-- asked: lost,\nfound -->\n\nBody.\n")
    assert page.sections[0].asked == "lost,\nfound"
    assert page.sections[0].text == "Body."
    assert "lost" not in page.html + page.text


def test_links_between_files_become_links_of_the_site(tmp_path: Path) -> None:
    page = write(tmp_path, "# T\n\n## A\n\n[b](other.md#b) [a](#a) [x](https://example.org/y.md#z)\n")
    assert page.sections[0].text == "[b](/guide/other#b) [a](/guide/page#a) [x](https://example.org/y.md#z)"


def test_a_page_without_a_title_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="page does not begin with a # title"):
        write(tmp_path, "no title\n")


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no guide pages"):
        book.load(tmp_path)
