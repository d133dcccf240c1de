"""A chat's title: what one would write over it, from real first questions, and a line that any page can show."""

from __future__ import annotations

import time
import timeit
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chats.title import TITLE_CHARS, UNTITLED, gist, title_of, title_of_answer

FAMILY = "👩\u200d👩\u200d👧\u200d👦"

QUESTIONS = {
    "How do I centre a div?": "How do I centre a div?",
    "Hello, could you please explain how TCP works?": "Explain how TCP works?",
    "hi there, can you explain recursion to me": "Explain recursion to me",
    "Hi 👋 how do I start?": "How do I start?",
    "Good morning! How are you today? I need a cover letter.": "I need a cover letter",
    "Dear ChatGPT, write a haiku. Make it sad.": "Write a haiku. Make it sad",
    "Thanks! And in French?": "And in French?",
    "Please help me plan a trip to Rome": "Help me plan a trip to Rome",
    "hello, iPhone battery drains fast": "iPhone battery drains fast",
    # what only looks like a greeting
    "Hello world in Rust": "Hello world in Rust",
    "Hello, world! in C": "Hello, world! in C",
    "Hey Jude lyrics": "Hey Jude lyrics",
    "test.py fails with ImportError": "test.py fails with ImportError",
    "Can you eat raw pasta?": "Can you eat raw pasta?",
    "请假条怎么写": "请假条怎么写",
    # the first sentence, cut at a word
    "I have a question. How do I convert a pandas DataFrame into a nested dictionary?": (
        "How do I convert a pandas DataFrame into a nested…"
    ),
    "My car makes a strange noise. It began last week after I drove over a very big stone.": (
        "My car makes a strange noise"
    ),
    "Who is Dr. Smith and what did he find out in the nineteenth century about cholera?": (
        "Who is Dr. Smith and what did he find out in the nineteenth…"
    ),
    # marks, code, addresses
    "# Task\n\nWrite a poem": "Task",
    "## Refactor `parse_args` in **main.py** ##": "Refactor parse_args in main.py",
    "> *quoted* and _stressed a bit_\nmy reply": "quoted and stressed a bit",
    "- [ ] buy [milk](https://shop.example/milk)\n- [ ] buy eggs": "buy milk",
    "1. Weltkrieg: wann begann er?": "1. Weltkrieg: wann begann er?",
    "What does __init__ do? And 2 * 3 * 4?": "What does __init__ do? And 2 * 3 * 4?",
    "Why does this fail?\n```python\nprint('hi'\n```": "Why does this fail?",
    "```js\n# no heading\nfoo()\n```\n\nWhat does this do?": "What does this do?",
    "Summarise https://www.example.org/a/b?c=d for me": "Summarise example.org for me",
    '"What is love?"': "What is love?",
    # other languages and other writings
    "Guten Tag, könnten Sie mir bitte erklären, wie die Rentenversicherung in Deutschland funktioniert?": (
        "Erklären, wie die Rentenversicherung in Deutschland…"
    ),
    "Bonjour ! Pouvez-vous s'il vous plaît résumer ce texte ?": "Résumer ce texte ?",
    "Hola, ¿puedes por favor explicarme qué es un agujero negro?": "Explicarme qué es un agujero negro?",
    "Olá! Como faço pão de queijo?": "Como faço pão de queijo?",
    "Привет! Как работает блокчейн?": "Как работает блокчейн?",
    "你好，请问如何学习日语？": "如何学习日语？",
    "こんにちは。東京でおすすめのラーメン屋を教えてください。": "東京でおすすめのラーメン屋を教えてください",
    "日本の歴史について、縄文時代から現代までの主な出来事を年表の形でまとめて、それぞれの時代の特徴を説明してください。"
    * 2: (
        "日本の歴史について、縄文時代から現代までの主な出来事を年表の形でまとめて、それぞれの時代の特徴を説明してください"
    ),
    "漢" * 80: "漢" * 59 + "…",
    "안녕하세요! 파이썬에서 리스트를 정렬하는 방법을 알려주세요.": "파이썬에서 리스트를 정렬하는 방법을 알려주세요",
    "مرحبا، كيف أتعلم البرمجة؟": "كيف أتعلم البرمجة؟",
    "שלום, איך מכינים חומוס?": "איך מכינים חומוס?",
    "नमस्ते! भारत की राजधानी क्या है?": "भारत की राजधानी क्या है?",
    "می\u200cخواهم یک برنامه بنویسم": "می\u200cخواهم یک برنامه بنویسم",
    # what may not be in a title, and what may not be torn
    "\u202eabc\u202c\0 d\u200bef\u2028ghi": "abc def",
    "\ud83d half": "half",
    "e\u0301" * 80: "é" * 59 + "…",
    "a" + "\u0301" * 100: "á" + "\u0301" * 4,
    "Look: " + FAMILY * 9: "Look: " + FAMILY * 7 + "…",
    "a" + "🇩🇪" * 40: "a" + "🇩🇪" * 29 + "…",
    "x" * 100: "x" * 59 + "…",
}

SAY_NOTHING = {
    "Hi!": "Hi!",
    "hello": "hello",
    "Hello there! How are you?": "Hello there! How are you?",
    "Guten Tag": "Guten Tag",
    "你好！": "你好！",
    "?": "?",
    "👍🏽": "👍🏽",
    "please": "please",
    "```python\nprint('hi')\n```": "print('hi')",
    "https://github.com/pallets/flask": "https://github.com/pallets/flask",
    "----\n====": "----",
    "\u200b\u200d": UNTITLED,
}


@pytest.mark.parametrize("question,title", QUESTIONS.items())
def test_a_question_makes_the_title_that_one_would_write(question: str, title: str) -> None:
    assert gist(question) == title_of(question) == title


@pytest.mark.parametrize("question,title", SAY_NOTHING.items())
def test_of_a_question_that_says_nothing_all_there_is_makes_the_title_for_the_time_being(
    question: str, title: str
) -> None:
    assert (gist(question), title_of(question)) == ("", title)


def test_an_answer_is_named_by_its_first_heading_or_else_its_first_sentence_that_says_something() -> None:
    assert title_of_answer("Sure! Here it is.\n\n## Sorting in **Python**\n\n…") == "Sorting in Python"
    assert title_of_answer("```sh\n# a comment\n```\n\nThis prints a list.") == "This prints a list"
    assert title_of_answer("**Hello!** How can I help you today?") == "How can I help you today?"
    assert title_of_answer("# Hello!\n\nBees make honey.") == "Bees make honey"
    assert title_of_answer("") == title_of_answer("👋") == ""


PIECES = st.sampled_from([
    "Hi! ", "please ", "**", "```\n", "# ", "\u200d", "\u200c", "\u0301", "👩", "🏽", "🇩", "🇪", "❤\ufe0f", " ", "\n",
    "\u202e", "\ud83d", ".", "「", "」", '"', "(", "word", "漢字", "https://a.example/b", "_", "-", "\0", "\t",
    "\u2028", "\ue000",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=20), max_size=60).map("".join)


@given(TEXTS)
def test_whatever_was_said_a_title_is_one_line_that_can_be_shown(text: str) -> None:
    for title in (title_of(text), gist(text) or "-", title_of_answer(text) or "-"):
        assert 0 < len(title) <= TITLE_CHARS
        kinds = {unicodedata.category(char) for char in title if char not in "\u200c\u200d"}
        assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        assert title == " ".join(title.split())
        assert unicodedata.category(title[0])[0] != "M", "a mark without its letter"
        for joiner, after in zip(title, title[1:] + " ", strict=True):
            assert joiner not in "\u200c\u200d" or after not in " …", "a joiner that joins nothing"
        assert title[0] not in "\u200c\u200d"


HEAVY = [
    "[" * 8000,
    "```\n" * 2000,
    "\n" * 8000,
    "hi! " * 2000,
    "hi!\n" * 2000,
    "**a" * 2600,
    "_a b" * 2000,
    "é\u0301" * 4000,
]


@pytest.mark.parametrize("text", HEAVY, ids=lambda text: repr(text[:4]))
def test_no_message_takes_long_to_name(text: str) -> None:
    took = timeit.repeat(lambda: title_of(text), timer=time.process_time, number=1, repeat=3)  # by this process alone
    assert min(took) < 0.05, took
