"""Markdown becomes the same nodes whether it arrives at once or in pieces, in time, and whatever it holds."""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from chatbot.web.guard import CSP
from tests.browser.conftest import Watch

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LAB = (HERE / "markdown_lab.js").read_text()
EXAMPLES = json.loads((HERE / "commonmark.json").read_text())["examples"]
SIZES = [1, 3, 7, 0]  # characters a piece; 0: the whole
KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
PIECES = json.loads((HERE / "pieces.json").read_text())  # of which random documents are made


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Callable[..., Any]]:
    """Runs a job of markdown_lab.js with the page's scripts, under the page's content security policy."""
    watch, context = Watch(), browser.new_context()
    page = context.new_page()
    page.on("console", watch.console)
    page.on("pageerror", lambda error: watch.complaints.append(f"uncaught: {error}"))
    page.route("http://chat.test/**", answer_from_files)
    page.goto("http://chat.test/")
    yield lambda work, **job: page.evaluate(f"async (job) => {{ {LAB} }}", {"work": work, **job})
    context.close()
    assert not watch.complaints


def answer_from_files(route: Route) -> None:
    path = ROOT / urlsplit(route.request.url).path.lstrip("/")
    body = path.read_bytes() if path.suffix in KINDS else b"<!doctype html>"
    kind = KINDS.get(path.suffix, "text/html")
    route.fulfill(body=body, headers={"Content-Type": kind, "Content-Security-Policy": CSP})


def random_documents(count: int, pieces: int) -> list[str]:
    chosen = random.Random(20261122)
    return ["".join(chosen.choices(PIECES, k=chosen.randint(2, pieces))) for _ in range(count)]


def test_commonmark_s_examples_are_the_same_streamed_and_at_once(lab: Callable[..., Any]) -> None:
    assert lab("compare", documents=[example["markdown"] for example in EXAMPLES], sizes=SIZES) == []


def test_random_documents_are_the_same_streamed_and_at_once(lab: Callable[..., Any]) -> None:
    assert lab("compare", documents=random_documents(400, 40), sizes=SIZES) == []


def test_a_settled_block_never_changes(lab: Callable[..., Any]) -> None:
    """Else finished text would jump when the exact pass at the end corrects it."""
    assert lab("settle", documents=[example["markdown"] for example in EXAMPLES]) == []


def test_even_in_nonsense_a_settled_block_hardly_ever_changes(lab: Callable[..., Any]) -> None:
    documents = random_documents(300, 30)
    assert len(lab("settle", documents=documents)) <= 6


def test_nearly_all_of_commonmark_s_examples_read_as_the_spec_says(lab: Callable[..., Any]) -> None:
    """Raw HTML stays text here, images become links, and a few corners are marked's own."""
    plain = [example for example in EXAMPLES if not re.search(r"<[a-z!/?]|!\[|&\w+;", example["markdown"])]
    texts = lab("texts", documents=[example["markdown"] for example in plain])
    wrong = [
        example["number"]
        for example, text in zip(plain, texts, strict=True)
        if without_blanks(text) != without_blanks(html.unescape(re.sub(r"<[^>]*>", "", example["html"])))
    ]
    assert len(plain) > 450
    assert len(wrong) <= 3, wrong


def without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.alone
def test_hostile_documents_cost_little_time(lab: Callable[..., Any]) -> None:
    length = 20_000
    units = [
        "[",
        "*a_",
        "> ",
        "`",
        "<",
        "![",
        "|-",
        "- ",
        "a\n",
        "&",
        "(((",
        "[a](",
        "\\",
        "- a\n",
        "_*",
        "https://a.b/",
    ]
    documents = [unit * (length // len(unit)) for unit in units]
    times = lab("time", documents=documents, size=5_000)
    assert max(times) < 4_000, [round(ms) for ms in times]


@pytest.mark.alone
def test_twenty_thousand_characters_render_in_a_fraction_of_their_stream(lab: Callable[..., Any]) -> None:
    text = (HERE / "answer.md").read_text()
    answer = text * (20_000 // len(text))
    (ms,) = lab("time", documents=[answer], size=20)
    assert ms < 5_000  # 1,000 pieces, which a fast model sends in 10 s


@pytest.mark.alone
def test_five_times_the_text_costs_hardly_more_than_five_times_the_work(lab: Callable[..., Any]) -> None:
    text = (HERE / "answer.md").read_text()
    times = [lab("time", documents=[text * 20, text * 100], size=100) for _ in range(5)]
    short, long = (min(each) for each in zip(*times, strict=True))  # what else the machine does only adds to them
    assert long < 15 * short, times  # 25, if the work grew with the square
