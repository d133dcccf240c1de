"""What moderation says of a text, alone (`POST /v1/moderations`) and beside a reply."""

from __future__ import annotations

import time
from typing import Any

from tests.fake_openai_parts import directives
from tests.fake_openai_parts.errors import by_status

MODEL = "omni-moderation-latest"
_CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


def result(flagged: bool) -> dict[str, Any]:
    """One result; what is flagged is flagged for violence."""
    categories = {name: flagged and name == "violence" for name in _CATEGORIES}
    return {
        "flagged": flagged,
        "categories": categories,
        "category_scores": {name: 0.97 if flag else 0.0001 for name, flag in categories.items()},
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }


def answer(given: str | list[Any]) -> dict[str, Any]:
    """The answer of `POST /v1/moderations`: flagged where a text says `flagged`. Raises ApiError when told to."""
    plans = [directives.parse(str(text)) for text in (given if isinstance(given, list) else [given])]
    results = [result("flagged" in plan) for plan in plans]
    for plan in plans:
        if plan.word("unmoderated") == "stall":
            time.sleep(plan.number("unmoderated", 5))
        elif plan.word("unmoderated") == "empty":
            results = []
        elif "unmoderated" in plan:
            raise by_status(plan.count("unmoderated", 503))
    return {"id": "modr-fake", "model": MODEL, "results": results}


def scores(api: str, asked: object, flagged: bool) -> dict[str, Any] | None:
    """The `moderation` of a reply: of its input and its output, or None when the request did not ask."""
    if not asked:
        return None
    return {"input": _shape(api, flagged), "output": _shape(api, False)}


def _shape(api: str, flagged: bool) -> dict[str, Any]:
    one = {"type": "moderation_result", "model": MODEL, **result(flagged)}
    return one if api == "responses" else {"type": "moderation_results", "model": MODEL, "results": [one]}
