"""The docs are spelt right, in British English, and the guide is easy to read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT, needed

PROSE = ROOT / "tests" / "prose"
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "lab").rglob("README.md"))]
OWN_WORDS = (PROSE / "own-words.txt").read_text().splitlines()
MARKDOWN = MarkdownIt("commonmark").enable("table")
ANCHORS = re.compile(r"^In this app:\n\n(?:- .*\n?)+", re.M)
# Addresses, names with digits or dots, and paths are no words.
NO_WORDS = re.compile(r"https?://\S+|[\w.-]*(?:/[\w.-]+)+|\b\w*\d\w*\b|\b[\w-]+(?:\.[\w-]+)+\b")
HARDEST_GRADE = 9
LONGEST_SENTENCE = 35
WRONG = ["color", "recieve"]
HARD = "Notwithstanding considerable organisational heterogeneity, administrators demonstrably prioritise availability."

Counts = dict[str, tuple[bool, int]]


@pytest.fixture(scope="module")
def counts() -> Counts:
    """Of each word of the docs: does a British dictionary have it, and how many syllables has it?"""
    node = needed(shutil.which("node", path=f"{os.environ['PATH']}:{ROOT}/.venv/bin"), "Node")
    needed(str(PROSE) if (PROSE / "node_modules" / "nspell").is_dir() else None, "the npm package nspell")
    words = {word for path in DOCS for word in spelt(path)}
    words |= {word for path in GUIDE for sentence in sentences(path.read_text()) for word in sentence}
    asked = json.dumps([*sorted(words), *WRONG, *sentences(HARD)[0]])
    done = subprocess.run([node, PROSE / "words.mjs"], input=asked, capture_output=True, text=True, check=True)
    return {word: (is_known, syllables) for word, is_known, syllables in json.loads(done.stdout)}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_word_is_in_the_dictionary_or_a_name_of_the_trade(path: Path, counts: Counts) -> None:
    assert sorted(word for word in spelt(path) if not counts[word][0] and word not in OWN_WORDS) == []


def test_slips_and_american_spelling_are_found(counts: Counts) -> None:
    assert [word for word in WRONG if counts[word][0]] == []


def test_the_names_of_the_trade_are_sorted_and_each_is_needed(counts: Counts) -> None:
    needed_words = {word for path in DOCS for word in spelt(path) if not counts[word][0]}
    assert [word for word in OWN_WORDS if word not in needed_words] == []
    assert sorted(set(OWN_WORDS), key=lambda word: (word.lower(), word)) == OWN_WORDS


@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.stem)
def test_a_page_of_the_guide_can_be_read_by_a_ninth_grader(path: Path, counts: Counts) -> None:
    assert grade(sentences(path.read_text()), counts) <= HARDEST_GRADE


def test_a_hard_sentence_would_be_found(counts: Counts) -> None:
    assert grade(sentences(HARD), counts) > 2 * HARDEST_GRADE


@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.stem)
def test_no_sentence_of_the_guide_is_too_long(path: Path) -> None:
    assert [" ".join(words) for words in sentences(path.read_text()) if len(words) > LONGEST_SENTENCE] == []


def spelt(path: Path) -> set[str]:
    """The words of a file outside its code, without the 's of a possessive."""
    texts = (NO_WORDS.sub(" ", text).replace("’", "'") for text in blocks(path.read_text(), " ", with_tables=True))
    words = (word for text in texts for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text))
    return {stem for word in words if len(stem := word.removesuffix("'s")) > 1}


def sentences(text: str) -> list[list[str]]:
    """The words of each sentence; a piece of code counts as one short word."""
    parts = [part for block in blocks(text, "code") for part in re.split(r"(?<=[.!?])[”\")]*\s+", block)]
    return [words for part in parts if (words := re.findall(r"[\w$](?:[\w'’.,%-]*[\w%])?", part))]


def grade(found: list[list[str]], counts: Counts) -> float:
    """The Flesch-Kincaid grade: https://apps.dtic.mil/sti/citations/ADA006655"""
    words = [word for sentence in found for word in sentence]
    syllables = sum(max(1, counts[word][1]) for word in words)
    return 0.39 * len(words) / len(found) + 11.8 * syllables / len(words) - 15.59


def blocks(text: str, code: str, *, with_tables: bool = False) -> Iterator[str]:
    """Each paragraph and list item, and with tables each cell and heading too, with `code` in the place of code."""
    inside: list[str] = []
    for token in MARKDOWN.parse(ANCHORS.sub("", text)):
        if token.nesting == 1:
            inside.append(token.type)
        elif token.nesting == -1:
            inside.pop()
        elif token.type == "inline" and (with_tables or not {"table_open", "heading_open"} & set(inside)):
            yield "".join(plain(token, code))


def plain(token: Token, code: str) -> Iterator[str]:
    for child in token.children or []:
        if child.type == "text":
            yield child.content
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        elif child.type == "code_inline":
            yield code
