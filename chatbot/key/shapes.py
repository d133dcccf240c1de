"""What an OpenAI key looks like: to find one, to redact one, to name its kind. OpenAI promises no format."""

from __future__ import annotations

import re

# Every key so far has this mark in its middle (`OpenAI` in base64). What stands before it is bounded, so that no text
# takes long to search; a word boundary before `sk-` would miss a key after the \n of a JSON string.
MARK = "T3Blbk" + "FJ"
MARKED = rf"sk-[A-Za-z0-9_-]{{0,200}}{MARK}[A-Za-z0-9_-]{{10,}}"
# A key of tomorrow may lack the mark: a known beginning and 40 characters that no placeholder is made of.
_MIXED = r"(?=[A-Za-z_-]{0,39}\d)(?=[a-z0-9_-]{0,39}[A-Z])(?=[A-Z0-9_-]{0,39}[a-z])"
UNMARKED = rf"sk-(?:proj|svcacct|service|admin)-{_MIXED}[A-Za-z0-9_-]{{40,}}"
FOUND = re.compile(f"{MARKED}|{UNMARKED}")
# To redact, wider: what is taken out of a log line by mistake is missed by nobody.
REDACTED = re.compile(r"sk-[A-Za-z0-9_-]{13,}")
OPENAI_KEY = re.compile(rf"{MARK}|sk-(?:proj|svcacct|service|admin)-")  # anywhere: what holds one is guarded as one
# What hides in a pasted text and is no part of it: zero-width characters, soft hyphens, the line breaks of a mail.
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\r\n]")
KINDS = {
    "sk-proj-": "project key",
    "sk-svcacct-": "service account key",
    "sk-service-": "service account key",
    "sk-admin-": "admin key",
}


def holds_key(text: str) -> bool:
    """Does the text contain something shaped like an OpenAI key?"""
    return FOUND.search(text) is not None or re.search(MARKED, UNSEEN.sub("", text)) is not None


def kind_of(value: str) -> str:
    """The kind of a key by its shape, for people: project key, service account key, admin key, user key or other."""
    if not OPENAI_KEY.search(value):
        return "not an OpenAI key"
    return next((kind for start, kind in KINDS.items() if value.startswith(start)), "user key of the old shape")
