"""Formulas: what is one and what is not, how they arrive, and which way the text around them runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.test_markdown import lab

__all__ = ["lab"]

PROSE = [
    "costs $5 and $10, US$5 or 10$, from $5 to 10$ it",
    "earns $20/hr or $30/hr, $20-$30, $1,000 vs. $2,000.",
    "$HOME and $PATH, $HOME/$USER is, ${a}${b}, echo $1,$2",
    "jQuery: $('.a') and $('.b'), $(document).ready and $.ajax",
    r"\$x\$ and `$y$` and \\(z\\)",
    r"see \[1\] and \[sic\] or [a\](b)",
    "an open $\\frac{1}{2 and ${x} $ y $",
    "```\n$x$ $$y$$\n```\n\n    $z$",
    "$$\na\n\nb\n$$",
]
FORMULAS = {
    "the variable $x$, ($a+b$), $y$-axis": ["$x$", "$a+b$", "$y$"],
    r"**Note: $a*b$ is $c*d$**, *see $a_1$ and $b_1$*": ["$a*b$", "$c*d$", "$a_1$", "$b_1$"],
    r"\(a\) and \[b=c\] and $$d$$ here": [r"\(a\)", r"\[b=c\]", "$$d$$"],
    "text:\n$$\nx\n= 3\n- 4\n$$\nmore": ["$$\nx\n= 3\n- 4\n$$"],
    "\\[\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n\\]": [
        "\\[\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n\\]"
    ],
    "- one\n\n  $$\n  a\n  - b\n  $$\n\n> $$\n> c\n> $$": ["$$\na\n- b\n$$", "$$\nc\n$$"],
    "| $x$ | b |\n|---|---|\n| $y^2$ | c |": ["$x$", "$y^2$"],
    "# About $e^{i\\pi}$\n\nIt costs $5, as $5x$ says.": ["$e^{i\\pi}$", "$5x$"],
}


def test_prices_variables_and_escaped_marks_are_no_formulas(lab: Callable[..., Any]) -> None:
    assert lab("formulas", documents=PROSE) == [[] for _ in PROSE]


def test_formulas_are_found_however_they_are_written(lab: Callable[..., Any]) -> None:
    found = lab("formulas", documents=list(FORMULAS))
    assert dict(zip(FORMULAS, found, strict=True)) == FORMULAS


def test_a_formula_appears_at_once_and_never_as_its_source(lab: Callable[..., Any]) -> None:
    documents = [
        r"So $\pi r^2$ it is",
        "So:\n$$\n\\frac{1}{2}\n$$\nand on",
        r"It \(x_1\), or \[a + b\]. Or $c + d$, so.",
    ]
    for texts in lab("seen", documents=documents):
        assert any("□" in text for text in texts)
        assert not [text for text in texts if "$" in text or "\\" in text]


def test_a_price_is_read_as_soon_as_it_is_there(lab: Callable[..., Any]) -> None:
    (texts,) = lab("seen", documents=["It costs $5 and more"])
    assert "It costs $5" in texts


def test_what_katex_cannot_draw_stays_as_it_was_written(lab: Callable[..., Any]) -> None:
    (texts,) = lab("seen", documents=[r"This $\frac{1$ is broken"])
    assert texts[-1] == r"This $\frac{1$ is broken"


def test_a_table_s_columns_keep_their_widths_while_rows_arrive(lab: Callable[..., Any]) -> None:
    rows = "| Name | What it is good for |\n|:--|--|\n| a | b |\n| cc | dd |\n| a much longer cell than before | e |\n"
    for widths in lab("columns", documents=[rows, f"1. See:\n\n   {rows.replace(chr(10), chr(10) + '   ')}"]):
        assert len(widths) == 1


def test_each_block_runs_the_way_of_its_own_letters_and_code_from_left_to_right(lab: Callable[..., Any]) -> None:
    arabic, hebrew = "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd"
    found = lab(
        "directions",
        documents=[
            f"{arabic} English\n\nEnglish {arabic}\n\n# {hebrew}",
            f"`code` {hebrew}",
            f"- {arabic}\n- English\n\n> {hebrew}\n\n```\n{arabic}\n```",
            f"| {hebrew} | b |\n|--|--|\n| {hebrew} | b |",
        ],
    )
    assert found == [
        ["p rtl", "p ltr", "h3 rtl"],
        ["p rtl", "code ltr"],
        ["ul rtl", "li rtl", "li ltr", "blockquote rtl", "p rtl", "pre ltr", "code ltr"],
        ["table rtl", "th rtl", "th ltr", "td rtl", "td ltr"],
    ]
