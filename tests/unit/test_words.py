"""The words of texts and of queries: prepared alike, whatever is written, and nothing in them means anything to SQL."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.history.search import sought
from chatbot.history.snippets import _snippet
from chatbot.history.words import MOST_TERMS, Term, fold, mark, terms, words

ANY = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\"'*():&|!<->\\^ \0éが東京ทัｶﾞﷺİß_٣")))


@pytest.mark.parametrize(
    "text,found",
    [
        ("Crème BRÛLÉE, naïve—Straße", ["creme", "brulee", "naive", "strasse"]),
        ("snake_case, C++ and 3.14", ["snake", "case", "c", "and", "3", "14"]),
        ("İstanbul ΣΊΣΥΦΟΣ ＷＩＤＥ", ["istanbul", "σισυφοσ", "wide"]),
        ("e\u0301t\u00ade\u0301", ["ete"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("مُحَمَّد", ["محمد"]),
        ("東京都", ["東京", "京都", "都"]),
        ("iPhoneは2台", ["iphone", "は", "2", "台"]),
        ("ｶﾞｽ", ["ガス", "ス"]),
        ("x" * 150, ["x" * 64, "x" * 64, "x" * 22]),
        ("… — !? \0", []),
    ],
)
def test_words_are_what_is_written_in_its_plain_form(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    "query,found",
    [
        ("Quick brow", [Term("quick", ("quick",)), Term("brow", ("brow",), is_open=True)]),
        ("brown ", [Term("brown", ("brown",))]),
        ("b", [Term("b", ("b",))]),
        ("京都", [Term("京都", ("京都",))]),
        ("京", [Term("京", ("京",), is_open=True)]),
        ("again again", [Term("again", ("again",), is_open=True)]),
        ('"; DROP *', [Term("drop", ("drop",))]),
        ("  ?! ", []),
    ],
)
def test_the_last_word_of_a_query_may_go_on(query: str, found: list[Term]) -> None:
    assert terms(query) == found


def test_a_long_query_counts_by_its_first_words() -> None:
    assert [term.text for term in terms(" ".join(f"word{n}" for n in range(50)))] == [
        f"word{n}" for n in range(MOST_TERMS)
    ]


@given(ANY)
def test_whatever_is_written_becomes_words_of_letters_and_digits(text: str) -> None:
    for word in words(text):
        assert 1 <= len(word) <= 64
        assert not re.search(r"[\s\"'\\:*&|!()<>^\0-]", word)


@given(ANY)
def test_a_text_is_found_by_itself(text: str) -> None:
    found = words(text)
    for term in terms(text):
        starts = range(len(found) - len(term.words) + 1)
        stands = [found[at : at + len(term.words)] for at in starts]
        *whole, last = term.words
        assert any(each[:-1] == whole and (each[-1] == last or (term.is_open and each[-1].startswith(last)))
                   for each in stands)  # fmt: skip
        assert re.search(term.pattern, fold(text)), "and shown"


@given(ANY, st.sampled_from(["sqlite", "postgresql"]))
def test_what_a_database_is_asked_holds_no_sign_of_the_querys(query: str, dialect: str) -> None:
    for name, value in sought(dialect, "a visitor", terms(query)).items():
        if name.startswith("sought"):
            quote = '"' if dialect == "sqlite" else "'"
            quoted = rf"{quote}[^\s\"'\\]+( [^\s\"'\\]+)*{quote}"
            assert re.fullmatch(rf"{quoted}( <-> {quoted})*(:?\*)?", value)


def test_visitors_have_words_of_their_own() -> None:
    assert mark("one") != mark("another")
    assert {len(mark(str(number))) for number in range(300)} == {4}


def patterns(query: str) -> list[re.Pattern[str]]:
    return [re.compile(term.pattern) for term in terms(query)]


def test_a_snippet_is_cut_around_what_was_found() -> None:
    text = f"{'before ' * 50}the Quokka,\n\n a marsupial {'after ' * 50}"
    snippet = _snippet(["no match", text], patterns("quokk"))
    assert "the Quokka, a marsupial" in snippet
    assert snippet.startswith("…") and snippet.endswith("…")
    assert len(snippet) <= 122
    assert _snippet(["A quokka."], patterns("quokka")) == "A quokka."
    assert _snippet(["A quokka.", "Where quokkas sleep: a quokka"], patterns("quokka sleep"))[:5] == "Where"
    assert _snippet(["unquokka"], patterns("quokka")) == ""


def test_a_snippet_is_at_the_right_place_of_a_text_whose_plain_form_is_longer() -> None:
    text = "ß" * 500 + " Ｑｕｏｋｋａ " + "ﷺ" * 100
    assert "Ｑｕｏｋｋａ" in _snippet([text], patterns("quokka"))


def test_thousands_of_marks_on_one_letter_do_not_hold_up_a_worker() -> None:
    began = time.process_time()
    assert words("a" + "\u0301\u0316" * 165_000)[0] == "a"
    assert time.process_time() - began < 5
