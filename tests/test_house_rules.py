"""The rules of the house: who may import what, who alone may do what, and how long a room may get."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([ROOT / "app.py", *(ROOT / "chatbot").rglob("*.py")])
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
STYLES = sorted((ROOT / "static" / "css").rglob("*.css"))

# Imports go down the floors, never up; within a floor, only along these edges.
FLOORS = [
    {"app"},
    {"web", "chores", "cli", "commands", "desk", "start", "rehearsal"},
    {"history"},
    {"chats", "scan"},
    {"money", "visitors", "logs", "tutor"},
    {"model", "reload"},
    {"key"},
    {"alerts"},
    {"db", "migrate", "migrations", "signing"},
    {"errors", "config", "fields", "notation", "tables", "book"},
]
ALONG = {
    ("chores", "start"),
    ("chores", "web"),
    ("cli", "web"),
    ("cli", "commands"),
    ("commands", "web"),
    ("desk", "web"),
    ("rehearsal", "web"),
    ("migrate", "db"),
    ("config", "errors"),
    ("config", "fields"),
    ("fields", "notation"),
    ("money", "visitors"),
}


def room(path: Path) -> str:
    return path.stem if path.parent in (ROOT, ROOT / "chatbot") else path.relative_to(ROOT / "chatbot").parts[0]


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_go_down_the_floors(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "chatbot" and len(parts) > 1 and (there := parts[1]) not in (here, "__init__"):
            assert floor(here) < floor(there) or (here, there) in ALONG, f"{here} imports {there}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_says_its_responsibility_and_stays_under_200_lines(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= 200


READING = re.compile(r"To read in this order: (.+?)\.$", re.DOTALL | re.MULTILINE)
ROOMS = [path for path in MODULES if path.name == "__init__.py" and READING.search(path.read_text())]


@pytest.mark.parametrize("path", ROOMS, ids=named)
def test_a_room_that_says_in_which_order_to_read_it_names_every_module(path: Path) -> None:
    told = READING.findall(path.read_text())[0]
    assert sorted(re.findall(r"\w+", told)) == sorted({file.stem for file in path.parent.glob("*.py")} - {"__init__"})


def lines_with_a_word_on_them(paths: list[Path]) -> int:
    return sum(bool(re.search(r"\w", line)) for path in paths for line in path.read_text().splitlines())


# Beside the way of a message: start and commands, what tells the operator, the scanner, the guide and the tutor, the
# tables' past, how files get to the browser.
BESIDE = (
    "alerts",
    "book",
    "chores",
    "cli",
    "commands",
    "desk",
    "migrate",
    "migrations",
    "rehearsal",
    "reload",
    "scan",
    "start",
    "tutor",
)
BESIDE_FILES = ("admin", "assets", "calculator", "compression", "costs", "price_list", "usage", "vigil", "worst_case")


def is_tool(path: Path) -> bool:
    return room(path) in BESIDE or path.stem in BESIDE_FILES


# No message waits for it: what is done with chats that are there.
HISTORY_FILES = ("greetings", "history_api", "takeout_api", "title", "title_call")


def is_history(path: Path) -> bool:
    return room(path) == "history" or path.stem in HISTORY_FILES


def test_the_server_can_be_read_in_an_hour() -> None:
    tools = [path for path in MODULES if is_tool(path)]
    history = [path for path in MODULES if is_history(path)]
    assert lines_with_a_word_on_them([path for path in MODULES if path not in [*tools, *history]]) < 5425
    assert lines_with_a_word_on_them(history) < 1350
    assert lines_with_a_word_on_them(tools) < 5175
    assert lines_with_a_word_on_them([path for path in SCRIPTS if path.parent.name != "words"]) < 3200


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_the_client_imports_openai(path: Path) -> None:
    if named(path) != "chatbot/model/client.py":
        assert not [name for name in imports(path) if name.split(".")[0] == "openai"]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_chats_history_money_model_and_key_do_not_know_flask(path: Path) -> None:
    if room(path) in ("chats", "history", "money", "model", "key"):
        assert not [name for name in imports(path) if name.split(".")[0] in ("flask", "flask_limiter", "werkzeug")]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if named(path) != "chatbot/config.py":
        assert not re.search(r"\bos\.(environ|getenv)|\bimport environ\b|dotenv", path.read_text())


def test_gunicorns_configuration_imports_nothing_that_gevent_must_patch_first() -> None:
    """It runs before the workers are patched: what has bound the sockets or TLS by then would block them, or break."""
    code = "import runpy, sys; runpy.run_path('gunicorn.conf.py'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) & {"urllib3", "openai", "httpx2", "flask", "redis", "psycopg"} == set()


def test_one_script_alone_fetches() -> None:
    assert [path.name for path in SCRIPTS if re.search(r"\bfetch\(", path.read_text())] == ["api.js"]


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_no_script_writes_html(path: Path) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\(|new Function|setHTML|DOMParser"
    assert not re.search(forbidden, path.read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=named)
def test_no_template_holds_a_script_or_a_style_of_its_own(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    assert "|safe" not in text.replace(" ", "")


def test_no_file_names_a_registry_or_this_machine() -> None:
    registries = [
        "pypi" + ".org",
        "files.python" + "hosted",
        "registry.npm" + "js",
        "deb.debian" + ".org",
        "/work" + "/",
    ]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and "/vendor/" not in name:
            text = (ROOT / name).read_text(errors="ignore")
            assert not [word for word in registries if word in text], name
