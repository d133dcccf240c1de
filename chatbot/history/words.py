"""The words of a text, prepared alike for the index and for a query, and so alike on SQLite and on PostgreSQL.

Writing without spaces between words (Chinese, Japanese, Thai ...; Korean too, whose words grow endings) is indexed by
each character with the next one, so that any part of it can be found.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

MOST_TERMS = 8  # of a query; what follows is left out of account
MOST_DENSE = 16  # characters of one that has no spaces
FEWEST_LETTERS = 2  # of a word that may be the beginning of another: with one letter nearly every text has some

# Thai, Lao, Myanmar, Hangul, Khmer, kana, bopomofo, ideographs.
_DENSE = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u1000-\u1049\u1050-\u109d\u1100-\u11ff\u1780-\u17d3\u3005-\u3007"
    "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\U00020000-\U0003ffff"
)
_SIGNS = "\u0900-\u0963\u0966-\u0dff\u0f71-\u0f84\u0f90-\u0fbc"  # of vowels in Indian scripts: no letters, but of words
# Accents, the vowel signs of Hebrew and Arabic, and what is not seen at all: a word is found with and without them.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\u00ad\u200b-\u200d\u2060\ufeff]"
)
_LETTER = rf"(?:[^\W_{_DENSE}]|[{_SIGNS}])"
_IS_DENSE = re.compile(f"[{_DENSE}]")
_PIECES = re.compile(r"\S{1,256}|\s+")  # to put thousands of marks on one letter in order would take minutes
_PLAIN = re.compile("[a-z0-9]{1,64}")
_WORDS = re.compile(rf"([{_DENSE}]+)|({_LETTER}{{1,64}})")  # a longer one goes in pieces: an index bounds its words


@dataclass(frozen=True)
class Term:
    """A part of a query that a chat must hold. `words`: what stands for it in the index, one after another.

    `is_open`: the last of them may be the beginning of a longer one.
    """

    text: str
    words: tuple[str, ...]
    is_open: bool = False

    @property
    def pattern(self) -> str:
        """A regular expression that finds it in a folded text."""
        if _IS_DENSE.match(self.text):
            return re.escape(self.text)
        literal = re.escape(self.text)  # first: what begins with a literal is found much faster
        return rf"{literal}(?<!{_LETTER}{literal})" + ("" if self.is_open else rf"(?!{_LETTER})")


def fold(text: str) -> str:
    """In lower case, without accents, wide and narrow forms made one."""
    if text.isascii():
        return text.lower()
    return "".join(map(_folded, _PIECES.findall(text)))


def _folded(piece: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", piece).casefold())
    return unicodedata.normalize("NFC", plain)


def words(text: str) -> list[str]:
    """What the index has of a text, in its order."""
    folded = fold(text)
    if folded.isascii():
        return _PLAIN.findall(folded)
    found: list[str] = []
    for dense, word in _WORDS.findall(folded):
        found += _pairs(dense) if dense else (word,)
    return found


def terms(query: str) -> list[Term]:
    """What a chat must hold to be found, each thing once; nothing where the query has no word."""
    folded = fold(query)
    found: dict[str, Term] = {}
    for match in _WORDS.finditer(folded):
        dense, word = match.groups()
        if dense:  # its last character may have another after it
            dense = dense[:MOST_DENSE]
            found[dense] = Term(dense, _pairs(dense)[:-1]) if len(dense) > 1 else Term(dense, (dense,), is_open=True)
        else:
            is_open = match.end() == len(folded) and len(word) >= FEWEST_LETTERS
            found[word] = Term(word, (word,), is_open)
    return list(found.values())[:MOST_TERMS]


def mark(visitor: str) -> str:
    """What begins a visitor's words in the index, so that a search costs what its visitor has, and nothing of others.

    Two visitors may share a mark: whose a chat is, says the chat.
    """
    return hashlib.blake2s(visitor.encode(), digest_size=2).hexdigest()


def _pairs(dense: str) -> tuple[str, ...]:
    return tuple(dense[place : place + 2] for place in range(len(dense)))
