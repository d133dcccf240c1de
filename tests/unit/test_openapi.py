"""The description of the API in OpenAPI is what the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatbot.config import ROOT
from chatbot.errors import Problem
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI
from tests.unit.built_app import build

KINDS: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None),
    "boolean": bool,
}  # fmt: skip


def described() -> dict[str, Any]:
    return dict(json.loads((ROOT / "chatbot/web/openapi.json").read_text()))


def test_every_route_of_the_api_is_described_with_its_methods(tmp_path: Path) -> None:
    app = build(tmp_path)
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
