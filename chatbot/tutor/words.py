"""The words of a text as the search compares them: without endings, and synonyms replaced by one of them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

KNOWN = json.loads(Path(__file__).with_name("words.json").read_text("utf-8"))
APOSTROPHE = re.compile(r"['’](s\b)?")
NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")  # of a setting or a code: besides its parts, it is a word of its own
ENDING = re.compile(r"(.*[aeiouy].*?)(ing|edly|ed|ly)")
DOUBLED = re.compile(r"([bdfgmnprt])\1$")


def words(text: str) -> list[str]:
    """In the order of the text."""
    plain = APOSTROPHE.sub("", text.lower())
    if "_" in plain:
        plain = NAME.sub(lambda found: f"{found[0]} {found[0].replace('_', '')}", plain)
    return [_concept(each) for each in re.findall(r"[^\W_]+", SYNONYM.sub(lambda found: SYNONYMS[found[0]], plain))]


@lru_cache(maxsize=20_000)
def _concept(word: str) -> str:
    if word in STOP_WORDS:  # before its ending is lost: "I think" says less than "thinking"
        return word
    stem = _stem(word)
    return CONCEPTS.get(stem, stem)


def _stem(word: str) -> str:
    """Without the ending of a plural, a participle or an adverb: rough, but the same for all forms of most words."""
    if len(word) < 4:
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("tion"):
        word = word[:-3]
    if (found := ENDING.fullmatch(word)) and len(found[1]) > 2:
        word = DOUBLED.sub(r"\1", found[1])
    return word.removesuffix("e") if len(word) > 3 else word


CONCEPTS = {_stem(each): _stem(concept) for concept, several in KNOWN["synonyms"].items() for each in several}
SYNONYMS = {each: concept for concept, several in KNOWN["synonyms"].items() for each in several if " " in each}
SYNONYM = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(SYNONYMS, key=len, reverse=True)))})\b")
STOP_WORDS = frozenset(KNOWN["stop_words"])
