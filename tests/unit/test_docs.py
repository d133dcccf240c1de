"""Prose that can rot is held to the code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from chatbot.cli import commands
from chatbot.config import Settings, load_settings
from chatbot.errors import Problem
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI

ROOT = Path(__file__).resolve().parents[2]
KINDS: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None),
    "boolean": bool,
}  # fmt: skip
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def described() -> dict[str, Any]:
    return dict(json.loads((ROOT / "chatbot/web/openapi.json").read_text()))


def test_every_route_of_the_api_is_described_with_its_methods(tmp_path: Path) -> None:
    app = create_app(load_settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db"))
    served = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    paths = described()["paths"]
    assert served == {(path, name) for path, item in paths.items() for name in item if name != "parameters"}


def test_what_the_api_says_is_as_it_is_described(serve: Callable[..., Served], fake: FakeOpenAI) -> None:
    visitor = serve(**fake.env, LIMIT_TOKENS_VISITOR="1500/day").visitor()
    reply = visitor.say("Hello")
    start, finish = (reply.chunk(kind)["messageMetadata"] for kind in ("start", "finish"))
    assert start["shortenedTo"] < 1500, "the part that is not always there"
    told = {"Me": visitor.get("/api/me").json(), "StartMetadata": start, "FinishMetadata": finish}
    told["Problem"] = visitor.say("x" * 100_000).problem
    visitor.say("Hello [fake: cut 3]", messageId=start["questionId"])
    told["Chat"] = visitor.stored()
    assert "versions" in told["Chat"]["messages"][0]["metadata"]
    assert "problem" in told["Chat"]["messages"][1]["metadata"]
    for name, value in told.items():
        assert faults({"$ref": f"#/components/schemas/{name}"}, value) == []
    assert told["Me"]["allowance"]["money"] == finish["allowance"]["money"] is not None


def faults(schema: Any, value: Any, place: str = "") -> list[str]:
    """Where a value is not as a schema of ours says, or has a member that it does not name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return faults(described()["components"]["schemas"][name], value, place or name)
    if "anyOf" in schema:
        return min((faults(each, value, place) for each in schema["anyOf"]), key=len)
    kinds = schema.get("type", list(KINDS))
    is_of_kind = any(isinstance(value, KINDS[kind]) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if not is_of_kind or value not in schema.get("enum", [value]):
        return [f"{place} is {value!r}"]
    if isinstance(value, list):
        return [fault for item in value for fault in faults(schema["items"], item, f"{place}[]")]
    if not isinstance(value, dict):
        return []
    members = schema["properties"]
    wrong = [f"{place}.{name} is missing" for name in schema["required"] if name not in value]
    wrong += [f"{place}.{name} is not described" for name in value if name not in members]
    for name in value.keys() & members.keys():
        wrong += faults(members[name], value[name], f"{place}.{name}")
    return wrong


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


def test_the_readme_promises_the_worst_day_of_the_default() -> None:
    default = Settings.model_fields["budget_site_day"].default
    assert f"what the worst day can cost: ${default:.0f}, unless" in (ROOT / "README.md").read_text()


def test_the_changelog_knows_this_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version
    assert f"## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()


def test_every_threat_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| (?!path|---).+\|$", (ROOT / "docs/reference/threats.md").read_text(), re.M)
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row)
        assert named and row.endswith("` |"), row
        for path, name in named:
            assert (ROOT / path).is_file(), path
            assert not name or f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_every_command_is_described() -> None:
    known = [f"flask {group.name} {name}" for group in commands for name in getattr(group, "commands", {})]
    known += [f"flask {command.name}" for command in commands if not getattr(command, "commands", {})]
    described = set(re.findall(r"^\| `(flask [a-z ]+)", (ROOT / "docs/reference/commands.md").read_text(), re.M))
    assert {name.strip() for name in described} == set(known)
