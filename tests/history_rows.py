"""A long history for tests and the bench: chats whose words are as unevenly spread as those of people."""

from __future__ import annotations

import random
import string
from itertools import accumulate
from typing import Any

from sqlalchemy import Engine, insert

from chatbot.db import writing
from chatbot.history.passages import index
from chatbot.tables import chats, messages

EVERYWHERE, RARE, PREFIX, NOWHERE = "everywhere", "quokka", "every", "nowheretobefound"
DENSE = "寿司のレシピ"  # a part of a sentence without spaces
NEWEST_MS = 1_790_000_000_000
BATCH = 100  # chats in one transaction


def fill(engine: Engine, visitor: str, count: int, each: int, words: int = 85) -> None:
    """So many chats, each with so many messages of about so many words, indexed; with no messages, none is.

    EVERYWHERE stands in every message, RARE in one chat of a thousand, DENSE in one of fifty.
    """
    chance = random.Random(count)
    sentences = _sentences(chance)
    for first in range(0, count, BATCH):
        numbers = range(first, min(count, first + BATCH))
        with writing(engine) as connection:
            connection.execute(insert(chats), [_chat(visitor, number, each) for number in numbers])
            if each:
                rows = [row for number in numbers for row in _messages(chance, sentences, visitor, number, each, words)]
                connection.execute(insert(messages), rows)
                for number in numbers:
                    index(engine, _name(visitor, number))


def _name(visitor: str, number: int) -> str:
    return f"{visitor[:8]}-{number:08d}"


def _chat(visitor: str, number: int, each: int) -> dict[str, Any]:
    times = {"created_at": NEWEST_MS - number * 1000, "updated_at": NEWEST_MS - number * 1000}
    head = f"m{each - 1}" if each else None
    return {"id": _name(visitor, number), "visitor": visitor, "title": f"Chat {number}", "head": head, **times}


def _messages(
    chance: random.Random, sentences: list[str], visitor: str, number: int, each: int, words: int
) -> list[dict[str, Any]]:
    told = [" ".join(chance.choices(sentences, k=max(1, words // 12))) for _ in range(each)]
    told = [f"{text} {EVERYWHERE}." for text in told]
    told[-1] += f" {RARE}" * (number % 1000 == 99) + f" 今日は{DENSE}を教えて。" * (number % 50 == 25)
    return [
        {
            "chat": _name(visitor, number), "id": f"m{place}", "parent": f"m{place - 1}" if place else None,
            "role": "assistant" if place % 2 else "user", "status": "complete", "text": text,
            "created_at": NEWEST_MS - number * 1000 + place, "searchable": 0,
        }
        for place, text in enumerate(told)
    ]  # fmt: skip


def _sentences(chance: random.Random) -> list[str]:
    """Of a vocabulary in which the tenth word is ten times rarer than the first (Zipf)."""
    vocabulary = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 10))) for _ in range(20_000)]
    weights = list(accumulate(1 / rank for rank in range(1, len(vocabulary) + 1)))
    kanji = [chr(chance.randint(0x4E00, 0x5500)) for _ in range(500)]
    spoken = [" ".join(chance.choices(vocabulary, cum_weights=weights, k=12)).capitalize() + "." for _ in range(20_000)]
    return [*spoken, *("".join(chance.choices(kanji, k=20)) + "。" for _ in range(1000))]
