"""Finding the sections of the guide that answer a question: SQLite's full-text search, with synonyms.

Phrases, stems and the ranking by BM25: https://www.sqlite.org/fts5.html
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import weakref
from pathlib import Path

from chatbot.book import Page, Section

THRESHOLD = 2.6  # of the best score, per word that is no stop word: below it a question is about something else
QUESTION_CHARS = 1000  # of a long message only the end is read

WORDS = json.loads(Path(__file__).with_name("words.json").read_text("utf-8"))
STOP_WORDS = frozenset(WORDS["stop_words"])
CONCEPTS = {synonym: concept for concept, synonyms in WORDS["synonyms"].items() for synonym in synonyms}
SYNONYM = re.compile(rf"\b({'|'.join(map(re.escape, sorted(CONCEPTS, key=len, reverse=True)))})(?:s|d|es|ed|ing)?\b")

CREATE = "CREATE VIRTUAL TABLE section USING fts5(title, asked, text, page, tokenize = 'porter')"
INSERT = "INSERT INTO section(rowid, title, asked, text, page) VALUES (?, ?, ?, ?, ?)"
# bm25() is the lower, the better a section matches; its numbers are the weights of title, asked, text and page.
SEARCH = "SELECT rowid, -bm25(section, 8, 3, 0.5, 1) FROM section WHERE section MATCH ? ORDER BY 2 DESC LIMIT 3"


class Index:
    """The sections of the guide in a database in memory. Threads and greenlets may share it."""

    def __init__(self, pages: list[Page]) -> None:
        self._sections = [section for page in pages for section in page.sections]
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._database.close)  # Python warns of a connection that nobody closes
        self._database.execute(CREATE)
        for number, section in enumerate(self._sections):
            texts = (section.title, section.asked, section.text, section.page_title)
            self._database.execute(INSERT, (number, *(" ".join(_words(text)) for text in texts)))

    def search(self, question: str) -> list[Section]:
        """Up to three sections, the best first; none when the guide does not speak of the question."""
        words = _words(question[-QUESTION_CHARS:])
        # A phrase says more than its words, `how often` more than `often`; a single word counts twice.
        spans = [(start, start + length) for length in (1, 1, 2, 3) for start in range(len(words) - length + 1)]
        phrases = [" ".join(words[start:end]) for start, end in spans if not STOP_WORDS.issuperset(words[start:end])]
        if not phrases:
            return []
        with self._lock:
            hits = self._database.execute(SEARCH, (" OR ".join(f'"{phrase}"' for phrase in phrases),)).fetchall()
        # A single word, such as `cost?`, is about whatever has it.
        least = THRESHOLD * sum(word not in STOP_WORDS for word in words) if len(words) > 1 else 0.0
        return [self._sections[number] for number, _ in hits] if hits and hits[0][1] >= least else []


def _words(text: str) -> list[str]:
    """The words of a text in lower case, each synonym replaced by its concept."""
    plain = re.sub(r"['’](s\b)?", "", text.lower())
    return re.findall(r"[^\W_]+", SYNONYM.sub(lambda found: CONCEPTS[found[1]], plain))
