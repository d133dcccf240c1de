"""Finds values made by chance that are assigned to a name that says secret, whatever the language or format."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from chatbot.scan.chance import is_random

_WORDS = (b"secret", b"token", b"passw", b"passphrase", b"pwd", b"credential", b"key", b"bearer ", b"://")
_SECRET = re.compile(
    r"secret|token|passw|passphrase|pwd|credential|bearer|(?:api|app|access|private|priv|auth|authentication|sign|signing"
    r"|encrypt|encryption|crypto|cipher|master|service|account|admin|shared|storage|hmac|jwt|webhook|client|subscription"
    r"|licen[cs]e|server|deploy|openai|anthropic|azure|stripe|gemini|google|aws)key",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"pub(?:lic)?key|publishable|keyid|hashed|checksum|fingerprint|thumbprint|idempot|tokeniz|cached?(?:token)?key"
    r"|[cx]srf|cftoken"
    r"|(?:next|page|continuation|sync|verification|request|cursor|watermark|change|update|product|identity)token"
    r"|(?:hash|digest|sha\d+|md5|pattern|regex|address|label|arn|name|sig|signature|id|ur[il]|endpoint|path|file)$",
    re.IGNORECASE,
)
# A token in hexadecimal is often a hash or an address; these names say that it is none.
_HEX = re.compile(r"(?:0x)?[\da-fA-F]+")
_HEX_NAME = re.compile(
    r"key$|secret|passw|passphrase|pwd|(?:api|auth|access|bot|deploy|admin|service)token", re.IGNORECASE
)
_PASSWORD = re.compile(r"passw|passphrase|pwd", re.IGNORECASE)
_COMPOUND = re.compile(r"[A-Za-z][_.-][A-Za-z]|[a-z][A-Z]")
_CODE = re.compile(r"[A-Za-z_][\w.$]*[(\[](?:.*[)\](\[{])?$")

# Between a name and its value: the name's closing quote, a type, one of = : := => == , > or the word `value`, in any
# mixture that a language or a list of variables writes. All repetition is bounded: hostile text costs no more.
_NAMED_VALUE = rb"""["']?,?\s{1,40}+["']?value["']?[ \t]{0,9}+[:=][ \t]{0,9}+"""
_NAME = b"_.-" + string.ascii_letters.encode() + string.digits.encode()
_MOST_NAME = 40  # characters of a name on either side of the word
_QUOTED = re.compile(
    rb"""(?:\\{0,3}["'`]?\]?[ \t]{0,20}+
    (?::[ \t]?[\w&.\[\]|'<> ]{1,40}?[ \t]?=|=>|:=|={1,3}|:|(?P<comma>,)|>|\()[ \t]{0,20}+
    |[ \t]{1,20}+|"""
    + _NAMED_VALUE
    + rb""")[A-Za-z]{0,2}(?P<quote>\\{0,3}["'`])(?P<value>(?:(?!(?P=quote))[!-~]){16,200}+)(?P=quote)""",
    re.VERBOSE,
)
_BARE = re.compile(
    rb"""(?:\\?["']?[ \t]{0,20}+[=:>][ \t]{0,20}+|"""
    + _NAMED_VALUE
    + rb""")(?P<value>[\w+/=~.-]{16,200}+)(?=[\s,;&"'`<)\]}\\]|\Z)"""
)
_LINE = re.compile(
    rb"""[ \t]{0,20}+[=:][ \t]{0,20}+(?P<value>[!#-&(-_a-~]{16,200}+)(?:[ \t]+\#[^\n]{0,200})?[ \t]*\r?(?:\n|\Z)"""
)
_LINE_STARTS = re.compile(rb"(?:^|[\n\r])[ \t]*(?:- |export |set |ENV |ARG )?[\w.-]*$")
_FORM = re.compile(rb"&[a-z_]{6,}=")  # of an address: its values are found one by one
_SPACED = re.compile(rb"[ \t]{1,20}+(?P<value>[\w+/=~.-]{16,200}+)(?=[\s,;&\"'`]|\Z)")
_SPACED_STARTS = re.compile(rb"(?:ENV|ARG)[ \t]+\w*$|--[\w-]*$|machine .*$")
_BEARER = re.compile(rb"(?P<value>[\w+/=~.-]{24,200}+)")
_ADDRESS = re.compile(rb"""[\w.%+-]{1,64}+:(?P<value>[^\s:/@"'<>]{20,128}+)@""")


def assigned_secrets(text: bytes) -> Iterator[tuple[int, int]]:
    """Where the values begin and end. Those shorter than 20 characters (a token's: 24) are too like words to judge."""
    lower = text.lower()
    for word in _WORDS:
        at = lower.find(word)
        while at >= 0:
            end = at + len(word)
            if span := _value(text, word, at, end):
                yield span
                end = span[1]
            at = lower.find(word, end)


def _value(text: bytes, word: bytes, at: int, end: int) -> tuple[int, int] | None:
    if word == b"://":
        found = _ADDRESS.match(text, end)
        return found.span("value") if found and is_random(found["value"].decode("latin-1")) else None
    if word == b"bearer ":
        found = _BEARER.match(text, end)
        return found.span("value") if found and is_random(found["value"].decode("latin-1"), 6) else None
    before, after = text[max(0, at - _MOST_NAME) : at], text[end : end + _MOST_NAME]
    end += len(after) - len(after.lstrip(_NAME))
    quoted = _QUOTED.match(text, end)
    found = quoted or _BARE.match(text, end) or _line(text, at, end)
    if not found:
        return None
    name = text[at - len(before) + len(before.rstrip(_NAME)) : end].decode("latin-1")
    value = found["value"].decode("latin-1").rstrip(",;")
    constant = name.isupper()
    if (quoted and quoted["comma"] and not _COMPOUND.search(name)) or not _says_secret(name, value):
        return None
    margin = 0 if quoted or constant else 3
    if (not quoted and _CODE.match(value)) or not is_random(value, margin):
        return None
    return found.start("value"), found.start("value") + len(value)


def _line(text: bytes, at: int, end: int) -> re.Match[bytes] | None:
    """The value that is the rest of the line, as in `.env`, or an option's or a Dockerfile's after a space."""
    if (
        (found := _LINE.match(text, end))
        and not _FORM.search(found["value"])
        and _LINE_STARTS.search(text, max(0, at - 60), at)
    ):
        return found
    if (found := _SPACED.match(text, end)) and _SPACED_STARTS.search(text, max(0, at - 60), at):
        return found
    return None


def _says_secret(name: str, value: str) -> bool:
    plain = re.sub(r"[\W_]", "", name)
    if _PUBLIC.search(plain) or (_HEX.fullmatch(value) and not _HEX_NAME.search(plain)):
        return False
    if len(value) < (24 if "token" in plain.lower() else 16 if _PASSWORD.search(plain) else 20):
        return False
    return bool(_SECRET.search(plain)) or (name.isupper() and name.endswith("_KEY"))
