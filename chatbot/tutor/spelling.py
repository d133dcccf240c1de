"""What was meant by a word that the book does not have: one of its words with a slip in it, or two without the space.

Those a slip away are few enough to look at all: https://norvig.com/spell-correct.html
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase

from chatbot.tutor.words import CONCEPTS, STOP_WORDS, words

SHORTEST, LONGEST = 4, 20
LONG = 7  # from here on a letter may be another: of short words too many differ by one


def meant(word: str, sections: Mapping[str, int]) -> list[str]:
    """The words of the book that it stands for, or itself. `sections` says how many sections have each."""
    if word in sections or word in STOP_WORDS or not (word.isalpha() and SHORTEST <= len(word) <= LONGEST):
        return [word]
    if near := {CONCEPTS.get(each, each) for each in _slips(word)} & (sections.keys() | STOP_WORDS):
        return [max(near, key=lambda each: (each in STOP_WORDS, sections.get(each, 0), each))]
    pairs = ([*words(word[:at]), *words(word[at:])] for at in range(SHORTEST - 1, len(word) - SHORTEST + 2))
    return next((pair for pair in pairs if sections.keys() >= set(pair)), [word])


def _slips(word: str) -> set[str]:
    """A letter too many, too few, wrong, or two that have changed places; the first is right."""
    parts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    return {
        *(left + right[1:] for left, right in parts),
        *(left + letter + right for left, right in parts for letter in ascii_lowercase),
        *(left + letter + right[1:] for left, right in parts for letter in ascii_lowercase if len(word) >= LONG),
        *(left + right[1::-1] + right[2:] for left, right in parts),
    }
