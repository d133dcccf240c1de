"""Prose that can rot is held to the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app import create_app
from chatbot.cli import commands
from chatbot.config import load_settings
from chatbot.errors import Problem

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def described() -> dict[str, object]:
    return dict(json.loads((ROOT / "chatbot/web/openapi.json").read_text()))


def test_every_route_of_the_api_is_described_with_its_methods(tmp_path: Path) -> None:
    app = create_app(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    served = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    paths: dict[str, dict[str, object]] = described()["paths"]  # type: ignore[assignment]
    assert served == {(path, name) for path, item in paths.items() for name in item if name != "parameters"}


def test_every_code_of_a_problem_is_described() -> None:
    def codes(kind: type[Problem]) -> set[str]:
        return {kind.code}.union(*(codes(sub) for sub in kind.__subclasses__()))

    text = json.dumps(described()["components"])
    assert [code for code in codes(Problem) if f'"{code}"' not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_only_commands_that_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    assert set(re.findall(r"make ([a-z]+)", (ROOT / "README.md").read_text())) <= set(targets) | {"run"}


def test_the_changelog_knows_this_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version
    assert f"## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()


def test_every_threat_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$", (ROOT / "docs/reference/threats.md").read_text(), re.M)
    rows = re.findall(r"^\| (?!path|---)", (ROOT / "docs/reference/threats.md").read_text(), re.M)
    assert len(named) == len(rows) > 10
    for path, name in named:
        assert not name or f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"
        assert (ROOT / path).is_file(), path


def test_every_command_is_described() -> None:
    known = [f"flask {group.name} {name}" for group in commands for name in getattr(group, "commands", {})]
    known += [f"flask {command.name}" for command in commands if not getattr(command, "commands", {})]
    described = set(re.findall(r"^\| `(flask [a-z ]+)", (ROOT / "docs/reference/commands.md").read_text(), re.M))
    assert {name.strip() for name in described} == set(known)
