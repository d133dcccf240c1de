"""Tells a value made by chance, as secrets are, from one that a person wrote: words, a path, an example, a run."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from itertools import pairwise
from math import log2

# The most common pairs of letters in the words of Python libraries: 90 % of a word's pairs, and 27 % of chance's.
_PAIRS = (
    "ab ac ad ag ai al am an ap ar as at be bl ca ce ch ci ck cl co ct de di do ea ec ed ef el em en ep er es et ev ex "
    "fi fo ge ha he hi ho ia ic id ie if ig il im in io ip ir is it ke la le li ll lo ls lu ly ma me mi mo mp na nc nd "
    "ne ng ni no ns nt nu oc od ol om on oo op or os ot ou ow pa pe pl po pp pr pt qu ra re rm rn ro rr rs rt ry sa sc "
    "se sh si so sp ss st su sw ta te th ti to tr ts tt tu ty ub ul um un up ur us ut va ve vi wa we wi"
)
# Examples and counting, templates, a password's hash, a checksum, a signed token, a UUID.
_WRITTEN = re.compile(
    r"""example|sample|placeholder|change.?me|dummy|fake|redact|replac|insert|your|test
    |01234|12345|abcde|qwert|dead.?beef|(?-i:x{4}|X{4})|(.)\1{5}|(?:[a-z]\d){7}|\.\.\.|\\u[\da-f]{4}|\\x[\da-f]{2}
    |\$\{.*\}|\{\{.*\}\}|[%$]\(\w{3,}\)|\{\w*\}|<\w[\w -]*>
    |^\$(?:\w{1,2}|argon2\w*|scrypt|pbkdf2[\w-]*|apr1|md5|sha1)[$,]|^(?:pbkdf2|bcrypt|argon2|scrypt|sha\d|md5)\w*\$
    |^sha\d+[:-]|(?-i:^eyJ)
    |\b[\da-z]{8}-(?:[\da-z]{4}-){3}[\da-z]{12}$""",
    re.VERBOSE | re.IGNORECASE,
)
_HEX = re.compile(r"[\da-f]+|[\dA-F]+")
_SEPARATORS = "_-./:=,()[]{}<>\"'"  # which people write between words


def is_random(value: str, margin: float = 0) -> bool:
    """Does printable ASCII look made by chance? Of 20 random characters 1 in 500 does not; `margin` demands more."""
    value = _decoded(value)
    if len(value) < 16 or _WRITTEN.search(value) or _repeats(value):
        return False
    digits, letters = sum(map(str.isdigit, value)), sum(map(str.isalpha, value))
    if _HEX.fullmatch(value):
        return len(value) >= 32 and _entropy(value) > 2.9 and 0.3 < digits / len(value) < 0.9
    if _entropy(value) < 3.4 or letters < 0.25 * len(value):
        return False
    return _odds(value) > max(margin, 0 if digits else 8)


def is_mixed(value: str) -> bool:
    """The same, for a value whose shape already says that it is a key: only a placeholder is not."""
    return not _repeats(value) and _entropy(value) >= 3.4 and _odds(value) > 0


def _decoded(value: str) -> str:
    """What a value in base64 says, if it says something: a Kubernetes secret may hold plain words."""
    try:
        text = b64decode(value + "=" * (-len(value) % 4), validate=True).decode("ascii")
    except ValueError:
        return value
    return text if text.isprintable() else value


def _repeats(value: str) -> bool:
    return len({value[at : at + 6] for at in range(len(value) - 5)}) < len(value) - 5


def _entropy(value: str) -> float:
    """Bits per character, after Shannon."""
    return -sum(n / len(value) * log2(n / len(value)) for n in Counter(value).values())


def _odds(value: str) -> float:
    """How much likelier chance is than writing, as a logarithm: by changes of the sort of character, and by pairs."""
    odds = 0.0
    for a, b in pairwise(value):
        if a not in _SEPARATORS and b not in _SEPARATORS:
            odds += 0.7 if _sort(a) != _sort(b) else -0.6
        if (a + b).isalpha() and not (a.islower() and b.isupper()):  # not where a word begins, as in newWord
            odds += -1.2 if (a + b).lower() in _PAIRS else 2.0
    return odds


def _sort(character: str) -> int:
    return character.isdigit() + 2 * character.islower() + 4 * character.isupper()
