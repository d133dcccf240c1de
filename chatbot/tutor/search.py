"""Finding what answers a question: how much of it a passage speaks of, and how near it is to what people ask there.

Passages are compared by rare words, which say more (https://en.wikipedia.org/wiki/Tf-idf). Whether the book speaks of
it at all is told by common ones: a question about something else has few words that many of its sections have.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from itertools import chain, pairwise

from chatbot.book import LAB
from chatbot.tutor.passages import Passage
from chatbot.tutor.spelling import meant
from chatbot.tutor.words import STOP_WORDS, words

# How much a word counts by where it stands. Beside that count two words in the same order, the phrase that is nearest
# to the question, and how much of the question the passage has anywhere.
TITLE, ASKED, TEXT, PLACE = 1.0, 1.2, 0.3, 0.3
IN_ORDER, PHRASE, ANYWHERE = 2.0, 2.0, 0.5
LOOKED_UP = 2.0  # times its score has a row whose name stands in the question,
NAMED = 1.6  # and a passage of the lab where the question speaks of it
LAB_WORDS = frozenset(words("lab attack"))
COMMON = 0.3  # as a word that four of 200 sections have: a rarer one makes it less likely that the book is meant
# Of the best score, and of how common the words are: below it a question is about something else, or at best near it.
THRESHOLD, LEAST = 2.4, 1.4
QUESTION_CHARS = 1000  # of a long message only the end is read
MOST = 24  # passages

Pair = tuple[str, str]


class Index:
    """The passages by their words. It does not change: threads and greenlets may share it."""

    def __init__(self, passages: list[Passage]) -> None:
        self._passages = passages
        self._words: dict[str | Pair, dict[int, float]] = defaultdict(dict)  # and pairs: what each counts in which
        self._phrases: dict[str, set[tuple[int, frozenset[str]]]] = defaultdict(set)  # those that have a word, by it
        self._names = [(_pattern(name), number) for number, each in enumerate(passages) for name in each.names]
        for number, each in enumerate(passages):
            title, *asked = phrases = [words(phrase) for phrase in (each.title, *each.asked.split(","))]
            fields = (
                (words(f"{each.shelf} {each.place}"), PLACE),
                (words(each.text), TEXT),
                (list(chain(*asked)), ASKED),
                (title, TITLE),
            )
            for found, weight in fields:
                self._add(number, found, weight)
            for terms in map(frozenset, phrases):
                for word in terms - STOP_WORDS:
                    self._phrases[word].add((number, terms))
        links = [each.link for each in passages]
        count = len(set(links))
        alone = [(word, found) for word, found in self._words.items() if isinstance(word, str)]
        self._sections = {word: len({links[number] for number in found}) for word, found in alone}
        self._rarity = {word: math.log(1 + count / its) for word, its in self._sections.items()}
        self._common = {word: math.log(1 + its) / math.log(1 + count) for word, its in self._sections.items()}
        self._unknown = math.log(1 + 2 * count)

    def search(self, question: str, least: float = THRESHOLD) -> list[tuple[Passage, float]]:
        """The passages that match, the best first, with their scores; none when the book does not speak of it."""
        question = question[-QUESTION_CHARS:]
        asked = [each for word in words(question) for each in meant(word, self._sections)]
        content = frozenset(asked) - STOP_WORDS
        total = sum(map(self._weight, content))
        scores: dict[int, float] = defaultdict(float)
        for term in content.union(pairwise(asked)):
            for number, weight in self._words.get(term, {}).items():
                scores[number] += weight * self._weight(term) / total
        for number, nearness in self._nearest(frozenset(asked)).items():
            scores[number] += PHRASE * nearness
        looked_up = {number for name, number in self._names if name.search(question)}
        of_lab = bool(content & LAB_WORDS)
        found = [(self._passages[at], score * self._factor(at, looked_up, of_lab)) for at, score in scores.items()]
        found.sort(key=lambda each: each[1], reverse=True)
        evidence = sum(self._common.get(word, 0) - COMMON for word in content)
        return found[:MOST] if found and found[0][1] + evidence >= least else []

    def _factor(self, number: int, looked_up: set[int], of_lab: bool) -> float:
        passage = self._passages[number]
        named = NAMED if of_lab and passage.shelf == LAB else 1.0
        return passage.weight * named * (LOOKED_UP if number in looked_up else 1.0)

    def _add(self, number: int, found: list[str], weight: float) -> None:
        for word in set(found) - STOP_WORDS:
            self._words[word][number] = self._words[word].get(number, ANYWHERE) + weight
        for pair in set(pairwise(found)):
            if not STOP_WORDS.issuperset(pair):
                self._words[pair][number] = max(self._words[pair].get(number, 0), IN_ORDER * min(weight, 1))

    def _nearest(self, asked: frozenset[str]) -> dict[int, float]:
        """How near the nearest phrase of each passage is, from 0 to 1: https://en.wikipedia.org/wiki/Jaccard_index."""
        whole = sum(map(self._weight, asked))
        best: dict[int, float] = defaultdict(float)
        for number, terms in {each for word in asked for each in self._phrases.get(word, ())}:
            common = sum(map(self._weight, asked & terms))
            best[number] = max(best[number], common / (whole + sum(map(self._weight, terms - asked))))
        return best

    def _weight(self, term: str | Pair) -> float:
        if isinstance(term, tuple):
            return sum(map(self._weight, term)) / 2
        return 1.0 if term in STOP_WORDS else self._rarity.get(term, self._unknown)


def _pattern(name: str) -> re.Pattern[str]:
    """A name as it stands in a question; one with a `_` is known in small letters, too."""
    return re.compile(rf"(?<![\w/]){re.escape(name)}(?![\w/])", re.IGNORECASE if "_" in name else 0)
