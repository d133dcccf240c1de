"""Every command, setting, route and file that the docs name in code is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound

from app import create_app
from chatbot.config import EPHEMERAL, ROOT, Settings, load_settings
from tests.unit.written import DOCS, Piece, code

FLASKS_OWN = ("run", "shell", "routes", "limiter")
COMMAND = re.compile(r"(?<![\w/-])(?:\.venv/bin/)?flask((?: [^\s`;&|…]+)*)")
TARGET = re.compile(r"(?<![\w-])make ([a-z]\w*)")
VARIABLE = re.compile(r"(?<![\w./<{$-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w*])")
ROUTE = re.compile(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(/[\w<>./-]*)(?:[?#]\S*)?")
FOLDERS = ("chatbot", "tests", "static", "templates", "docs", "bench", "lab", "examples")
FILE = re.compile(rf"(?:(?:{'|'.join(FOLDERS)})/[\w./*-]*|[\w-]+\.(?:py|js|mjs|css|html|toml|sh)|Makefile|Procfile)")
# Variables of others: of Flask, of platforms, of guides for other programs, and what the lab's apps and Flask's know.
FOREIGN = {
    "FLASK_DEBUG", "SECRET_KEY", "VITE_OPENAI_API_KEY", "REACT_APP_OPENAI_API_KEY", "NEXT_PUBLIC_OPENAI_API_KEY",
    "WERKZEUG_DEBUG_PIN", *EPHEMERAL,
}  # fmt: skip
# Files that nobody has yet, or that are another's.
NO_FILES = {"katex.mjs", "fr.js", "mine.py"}
# Addresses that are not this site's: the machine, OpenAI's API, Werkzeug's debugger, a lab app, and widths of networks.
ELSEWHERE = re.compile(r"/(?:run|var|proc|etc|dev|tmp|srv|home|opt|v1|console|chat)(?:/|$)|/\d+$")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    database = f"sqlite:///{tmp_path_factory.mktemp('docs')}/chat.db"
    return create_app(load_settings(_env_file=None, database_url=database, admin_password="a horse with a battery"))


@pytest.fixture(scope="module")
def house(app: Flask) -> SimpleNamespace:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    settings = {name.upper() for name in Settings.model_fields}
    ours = [path for path in ROOT.rglob("*") if not {".venv", ".git", "node_modules"} & set(path.parts)]
    return SimpleNamespace(
        app=app, targets=targets, variables=settings | FOREIGN, names={path.name for path in ours} | NO_FILES
    )


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_whatever_a_page_names_in_code_is_there(page: Path, house: SimpleNamespace) -> None:
    assert [f"{piece.place}: {fault}" for piece in code(page) for fault in faults(piece, house)] == []


@pytest.mark.parametrize(
    "text",
    ["flask nothing", "flask scan --nothing", ".venv/bin/flask keys nothing", "make nothing", "BUDGET_SITE_YEAR",
     "/api/nothing", "PUT /api/me", "chatbot/nothing.py", "tests/*/nothing.py", "nothing.py",
     "tests/unit/test_key.py::test_nothing"],
)  # fmt: skip
def test_a_name_of_nothing_is_found(text: str, house: SimpleNamespace) -> None:
    assert len(list(faults(Piece(ROOT / "README.md", 1, text), house))) == 1


def faults(piece: Piece, house: SimpleNamespace) -> Iterator[str]:
    text = piece.text
    for told in COMMAND.findall(text):
        yield from command_faults(house.app, told.split())
    yield from (f"make {name}" for name in TARGET.findall(text) if name not in house.targets)
    yield from (f"{name} is no setting" for name in VARIABLE.findall(text) if name not in house.variables)
    if piece.is_block:
        return
    if route := ROUTE.fullmatch(text):
        yield from route_faults(house.app, route[1], route[2])
    file, _, test = text.partition("::")
    if FILE.fullmatch(file) and not exists(file, house.names):
        yield f"there is no {file}"
    elif test and f"def {test}(" not in (ROOT / file).read_text():
        yield f"{file} has no {test}"


def command_faults(app: Flask, told: list[str]) -> Iterator[str]:
    """`told` is what follows `flask`."""
    command: click.Command = app.cli
    while isinstance(command, click.Group) and told and not told[0].startswith("-"):
        name = told.pop(0)
        if command is app.cli and name in FLASKS_OWN:
            return
        if name not in command.commands:
            yield f"there is no flask command {name}"
            return
        command = command.commands[name]
    options = {name for option in command.params for name in option.opts} | {"--help"}
    yield from (f"{command.name} has no {word}" for word in told if re.match("--[a-z]", word) and word not in options)


def route_faults(app: Flask, method: str | None, path: str) -> Iterator[str]:
    if ELSEWHERE.match(path):
        return
    adapter = app.url_map.bind("localhost")
    try:
        adapter.match(re.sub(r"<[^>]+>", "x" * 8, path), method=method or "GET")
    except MethodNotAllowed:
        if method:
            yield f"{path} takes no {method}"
    except NotFound:
        yield f"there is no route {path}"


def exists(file: str, names: set[str]) -> bool:
    """A name alone may be that of a file in any folder."""
    if "/" not in file:
        return file in names
    return any(ROOT.glob(file.rstrip("/")))


def test_every_command_of_flask_and_each_of_its_options_is_described(app: Flask) -> None:
    text = (ROOT / "docs/reference/commands.md").read_text()
    described = {name.strip() for name in re.findall(r"^\| `(flask [a-z ]+)", text, re.M)}
    commands = {name: command for name, command in leaves(app.cli, "flask") if name.split()[1] not in FLASKS_OWN}
    assert described == set(commands)
    told = set(re.findall(r"(?<![\w-])--[a-z-]+", text))
    options = {
        opt for command in commands.values() for option in command.params for opt in option.opts if opt[:2] == "--"
    }
    assert sorted(options - told) == []


def leaves(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for command in group.commands.values():
        full = f"{name} {command.name}"
        if isinstance(command, click.Group):
            yield from leaves(command, full)
        else:
            yield full, command


def test_every_target_of_make_is_described(house: SimpleNamespace) -> None:
    assert house.targets <= set(TARGET.findall((ROOT / "docs/reference/commands.md").read_text()))
