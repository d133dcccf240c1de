"""The shapes of other providers' keys, those that are unmistakable: each begins with a mark and goes on by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.scan.chance import is_random

# Not inside a longer word, where base64 could spell a mark by accident; the n of a JSON string's \n is no word.
_ALONE = rb"(?:(?<![A-Za-z0-9+/_-])|(?<=\\[nrt]))"
_SHAPES = [
    ("Anthropic key", b"sk-ant-", rb"[a-z0-9]{3,10}-[\w-]{80,}"),
    ("GitHub token", b"github_pat_", rb"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    *(("GitHub token", mark, rb"[A-Za-z0-9]{36}(?!\w)") for mark in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")),
    ("GitLab token", b"glpat-", rb"[\w-]{20}"),
    ("Google key", b"AIza", rb"[\w-]{35}(?![\w-])"),
    ("Hugging Face token", b"hf_", rb"[A-Za-z]{34}(?!\w)"),
    ("Slack token", b"xox", rb"[abeoprs]-(?:\d+-){1,3}[A-Za-z0-9-]{20,}"),
    ("Stripe key", b"sk_live_", rb"[A-Za-z0-9]{20,}"),
    ("Stripe key", b"rk_live_", rb"[A-Za-z0-9]{20,}"),
]
_COMPILED = [(kind, mark, re.compile(_ALONE + mark + rest)) for kind, mark, rest in _SHAPES]


def provider_keys(text: bytes) -> Iterator[tuple[int, int, str]]:
    """Where each begins and ends, and its kind."""
    for kind, mark, shape in _COMPILED:
        at = text.find(mark)
        while at >= 0:
            found = shape.match(text, at)
            if found and is_random(found[0][len(mark) :].decode("latin-1")):
                yield *found.span(), kind
            at = text.find(mark, found.end() if found else at + len(mark))
