"""What stands in the margin of the guide and the lab, "In this app", is there: files, functions, tests, commands."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from app import create_app
from chatbot import book
from chatbot.config import load_settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in book.load(ROOT) if page.shelf in (book.GUIDE, book.LAB)]
ANCHORED = [(f"{s.page_slug}#{s.anchor}", anchor) for page in PAGES for s in page.sections for anchor in s.anchors]
WITHOUT = {"use-it-well#in-short"}  # a list of links to sections that have theirs
OPTIONS = re.compile(r"--?[a-z][a-z-]*")


def of_kind(kind: str) -> list[tuple[str, book.Anchor]]:
    return [(place, anchor) for place, anchor in ANCHORED if anchor.kind == kind]


@cache
def defined(path: Path) -> set[str]:
    """The functions and classes of a module, and the methods of its classes as Class.method."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_every_code_names_a_file_and_what_is_defined_in_it() -> None:
    assert len(of_kind("code")) > 40
    for place, anchor in of_kind("code"):
        path = ROOT / anchor.target
        assert path.is_file(), f"{place}: {anchor}"
        is_there = anchor.name in defined(path) if path.suffix == ".py" else anchor.name in path.read_text()
        assert not anchor.name or is_there, f"{place}: {anchor}"


def test_every_test_exists() -> None:
    assert len(of_kind("test")) > 40
    for place, anchor in of_kind("test"):
        path = ROOT / anchor.target
        assert path.is_file() and path.is_relative_to(ROOT / "tests") and path.name.startswith("test_"), (
            f"{place}: {anchor}"
        )
        assert not anchor.name or (anchor.name in defined(path) and anchor.name.startswith("test_")), (
            f"{place}: {anchor}"
        )


def test_every_command_exists_with_its_options(tmp_path: Path) -> None:
    app = create_app(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
    assert len(of_kind("command")) > 20
    for place, anchor in of_kind("command"):
        program, *words = shlex.split(anchor.target)
        if program == "make":
            variables = {word.partition("=")[0] for word in words if "=" in word}
            assert words and {word for word in words if "=" not in word} <= targets, f"{place}: {anchor}"
            assert all(f"$({name})" in makefile for name in variables), f"{place}: {anchor}"
            continue
        assert program == "flask", f"{place}: {anchor}"
        command: click.Command = app.cli
        while words and isinstance(command, click.Group):
            name = words.pop(0)
            assert name in command.commands, f"{place}: {anchor}"
            command = command.commands[name]
        assert not isinstance(command, click.Group) or command.invoke_without_command, f"{place}: {anchor}"
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(filter(OPTIONS.fullmatch, words)) <= known, f"{place}: {anchor}"


def test_every_link_of_an_anchor_leads_to_the_file_that_it_names() -> None:
    for path in [*(ROOT / "docs/guide").glob("*.md"), *(ROOT / "lab").glob("**/README.md")]:
        for name, link in re.findall(r"^- (?:code|test): \[`([^`]+)`[^\]]*\]\(([^)]+)\)$", path.read_text(), re.M):
            assert (path.parent / link).resolve() == ROOT / name, f"{path}: {link}"


def test_no_anchor_is_left_in_the_text_because_it_is_written_in_another_way() -> None:
    for page in PAGES:
        assert not re.search(r"^In this app:|^- (code|test|command): ", page.text, re.M), page.slug
    sources = [*(ROOT / "docs/guide").glob("*.md"), *(ROOT / "lab").glob("**/README.md")]
    written = sum(len(re.findall(r"^- (?:code|test|command): ", path.read_text(), re.M)) for path in sources)
    assert written == len(ANCHORED)


def test_every_section_that_gives_advice_is_anchored() -> None:
    bare = {
        f"{s.page_slug}#{s.anchor}"
        for page in PAGES
        if page.shelf == book.GUIDE
        for s in page.sections
        if not s.anchors
    }
    assert bare == WITHOUT


@pytest.mark.parametrize("page", [page for page in PAGES if page.slug != "lab"], ids=lambda page: page.slug)
def test_each_page_shows_all_three_kinds(page: book.Page) -> None:
    kinds = {anchor.kind for section in page.sections for anchor in section.anchors}
    assert kinds == {"code", "test", "command"}
