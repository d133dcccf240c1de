"""A chat's title, made of words that were said: the first line or sentence that says something, without its marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from chatbot.chats.greetings import GREETING

TITLE_CHARS = 60
UNTITLED = "New chat"
MOST_LINES = 100  # that are looked at,
LINE_CHARS = 500  # and of each no more than these
SHORT_CHARS = 12  # a sentence of fewer is told with what follows it
MOST_MARKS = 4  # on one character: more would climb over other lines
JOINERS = "\u200c\u200d"  # part of emoji, and of words in Persian and in Indian scripts
LOOSE = " .:,;-–—([{«„“\"'。，、；：،؛" + JOINERS  # what a title does not end with

_CODE = re.compile(r"^[ \t]*(```+|~~~+).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.M)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+)$", re.M)
_URL = re.compile(r"<?\bhttps?://(?:www\.)?([^\s/<>]+)[^\s<>]*>?", re.I)
_MARKS = [  # of Markdown, each with what is left of it; a word such as __init__ has none
    (re.compile(r"^(?:> ?)*(?:#{1,6} |[-*+•] (?:\[[ xX]\] )?)?|(?: #+)?$"), ""),
    (re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)"), r"\1"),
    (re.compile(r"(\*\*|~~)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*]+)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)(__?)(?=\S)([^_]+ [^_]+)(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"`+([^`]+)`+"), r"\1"),
]
_QUOTED = re.compile(r"""^(?:"([^"]+)"|'([^']+)'|[“„]([^“”„]+)[“”]|«([^«»]+)»|「([^「」]+)」)$""")
_SENTENCE_END = re.compile(r"(?<=[!?؟।…])\s+|(?<=\w{4}\.)\s+|(?<=[。！？])")  # "Dr." ends none


def title_of(question: str) -> str:
    """A title of 1 to TITLE_CHARS characters in one line, whatever the question is."""
    lines = (_cut(_seen(line)) for line in _first_lines(_FENCE.sub("", question)))
    return gist(question) or next(filter(None, lines), UNTITLED)


def title_of_answer(answer: str) -> str:
    """As `gist`, of the first heading where there is one."""
    heading = _HEADING.search(_CODE.sub("\n", answer))
    return gist(heading[1] if heading else "") or gist(answer)


def gist(text: str) -> str:
    """A title of the first line or sentence that says something; empty where none does: greetings, code, addresses."""
    return next(filter(None, map(_said, _first_lines(_CODE.sub("\n", text)))), "")


def _first_lines(text: str) -> Iterator[str]:
    return islice(filter(str.strip, text.splitlines()), MOST_LINES)


def _said(line: str) -> str:
    line = _seen(line)
    for mark, rest in _MARKS:
        line = mark.sub(rest, line)
    line = _begun(GREETING.sub("", line), line)
    if len(line) > TITLE_CHARS:
        first = next(filter(_says_something, _SENTENCE_END.split(line)), "")
        line = first if len(first) >= SHORT_CHARS else line
    return _cut(_URL.sub(r"\1", line)) if _says_something(line) else ""


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, _URL.sub("", text)))


def _begun(rest: str, line: str) -> str:
    """What is left of a line, with a capital letter, unless its first word has one inside, as iPhone has."""
    word, capital = rest.partition(" ")[0], rest[:1].upper()
    return capital + rest[1:] if rest != line and word.islower() and len(capital) == 1 else rest


def _seen(line: str) -> str:
    """What one sees of a line: no control characters, and none that turn the direction of others."""
    line = unicodedata.normalize("NFC", line[:LINE_CHARS])
    return " ".join(line.translate({ord(char): _shown(char) for char in set(line)}).split())


def _shown(char: str) -> str | None:
    if char.isspace():
        return " "
    return char if char in JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co") else None


def _whole(text: str) -> str:
    """The text without parts of characters whose other part is missing, or which are too many."""
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if _is_part(char) else 0
        if not marks or (marks <= MOST_MARKS and kept and kept[-1] != " "):
            kept.append(char)
    return " ".join(re.sub(rf"[{JOINERS}]+(?=\s|$)", "", "".join(kept)).split())


def _is_part(char: str) -> bool:
    """Is it part of the character before it: an accent, a vowel sign, a joiner, a tone of skin?"""
    is_mark = not char.isascii() and unicodedata.category(char)[0] == "M"
    return is_mark or char in JOINERS or "\U0001f3fb" <= char <= "\U0001f3ff"


def _cut(text: str) -> str:
    """The text as a title, cut at a word where it is too long, or else between two characters."""
    quoted = _QUOTED.match(text)
    text = _whole(next(filter(None, quoted.groups())) if quoted else text)
    if len(text) <= TITLE_CHARS:
        return text.rstrip(LOOSE) or text
    end = text.rfind(" ", 0, TITLE_CHARS)
    if end < TITLE_CHARS // 2:  # one long word, or a writing without spaces
        end = next((end for end in range(TITLE_CHARS - 1, 0, -1) if _may_part(text, end)), TITLE_CHARS - 1)
    return (text[:end].rstrip(LOOSE) or text[:1]) + "…"


def _may_part(text: str, end: int) -> bool:
    flags = len(text[:end]) - len(text[:end].rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))  # two letters each
    is_half_flag = flags % 2 and "\U0001f1e6" <= text[end] <= "\U0001f1ff"
    return not (_is_part(text[end]) or text[end - 1] == JOINERS[1] or is_half_flag)
