"""What a thief does: looks for something shaped like a key, and spends with it what it may."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from chatbot.key.shapes import FOUND
from lab.client import at_once
from lab.evidence import bill, openai

DEAREST = "gpt-6-astra"
ANSWERS, TOKENS = 5, 2000


def key_in(text: str) -> str | None:
    """The first key in a text, by its shape."""
    found = FOUND.search(text)
    return found[0] if found else None


def spend(key: str) -> None:
    """Ask for the list of models, which proves the key for nothing, and then for answers of the dearest one."""
    print(f"A key, {key[:8]}…{key[-4:]}; OpenAI answers {_call(key, 'models')} to it.")
    body = {"model": DEAREST, "input": f"Mine now. [fake: tokens {TOKENS}]", "max_output_tokens": TOKENS}
    paid = at_once(ANSWERS, lambda: _call(key, "responses", body)).count(200)
    print(f"The thief took {paid} answers of {DEAREST} with it; you pay ${bill():.4f}.")


def _call(key: str, path: str, body: dict[str, object] | None = None) -> int:
    request = urllib.request.Request(  # noqa: S310 - the lab's own
        f"{openai()}/v1/{path}",
        json.dumps(body).encode() if body else None,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
