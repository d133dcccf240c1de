"""The book: which files are served where, and what of them the reader sees."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from chatbot import book
from chatbot.config import load_settings
from chatbot.money.price_list import price_list
from tests.unit.built_app import build

ROOT = Path(__file__).resolve().parents[2]
PAGES = book.load(ROOT)
SECTIONS = [section for page in PAGES for section in page.sections]


def shelves(root: Path, **files: str) -> list[book.Page]:
    """The pages of a checkout with these files, named by their paths with `__` for a slash."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return book.load(root)


def guide(root: Path, text: str) -> book.Page:
    return shelves(root, docs__guide__page=text)[0]


def html(page: book.Page) -> str:
    return page.lead_html + "".join(section.heading + "".join(section.html) for section in page.sections)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return build(tmp_path_factory.mktemp("book")).test_client()


def test_every_page_is_served_at_its_address_with_the_pages_beside_it(client: FlaskClient) -> None:
    assert {page.shelf for page in PAGES} - {book.LAB} == {book.GUIDE, book.REFERENCE}  # the lab can be taken out
    assert len({page.slug for page in PAGES}) == len(PAGES) > 12
    for before, page, after in zip([None, *PAGES[:-1]], PAGES, [*PAGES[1:], None], strict=True):
        answer = client.get(f"/guide/{page.slug}")
        assert answer.status_code == 200, page.slug
        assert f"<h1>{page.title}</h1>" in answer.text.replace("&#39;", "'"), page.slug
        assert re.findall(r'rel="(prev|next)" href="/guide/([^"]+)"', answer.text) == [
            *([("prev", before.slug)] if before else []),
            *([("next", after.slug)] if after else []),
        ]
        assert answer.text.count(f'href="/guide/{page.slug}" aria-current="page"') == 2, "at the side, and folded away"


def test_every_link_of_a_page_that_stays_here_leads_to_a_page_and_a_heading(client: FlaskClient) -> None:
    served = {f"/guide/{page.slug}": client.get(f"/guide/{page.slug}").text for page in PAGES}
    for address, text in served.items():
        for link in set(re.findall(r'href="(/guide/[^"]+|#[^"]+)"', text)):
            path, _, anchor = (address + link if link.startswith("#") else link).partition("#")
            found = served.get(path, "")
            assert found or client.get(path).status_code == 302, f"{address}: {link}"
            assert not anchor or f'id="{anchor}"' in found, f"{address}: {link}"
        for picture in re.findall(r'<img src="(/guide/[^"]+)"', text):
            assert client.get(picture).mimetype == "image/svg+xml", picture


@pytest.mark.parametrize(
    "path", ["/guide/nothing", "/guide/lab/nothing", "/guide/reference/../get-a-key", "/guide/pictures/wide-dark.png"]
)
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_ids_of_a_pages_headings_are_unique() -> None:
    for page in PAGES:
        ids = [section.anchor for section in page.sections]
        ids += re.findall(r'<h[34] id="([^"]+)"', html(page))
        assert len(set(ids)) == len(ids), page.slug


def test_files_have_addresses_by_their_shelf(tmp_path: Path) -> None:
    names = ("docs__guide__zebra", "docs__guide__get-a-key", "lab__README", "lab__01-first__README", "docs__privacy")
    pages = shelves(tmp_path, **dict.fromkeys((*names, "docs__reference__README", "docs__reference__http"), "# T\n"))
    assert [(page.shelf, page.slug) for page in pages] == [
        (book.GUIDE, "get-a-key"),
        (book.GUIDE, "zebra"),
        (book.LAB, "lab"),
        (book.LAB, "lab/01-first"),
        (book.REFERENCE, "reference"),
        (book.REFERENCE, "reference/http"),
        (book.REFERENCE, "reference/privacy"),
    ]


def test_a_shelf_whose_files_are_missing_is_not_there(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs/guide", tmp_path / "docs/guide")
    pages = book.load(tmp_path)
    assert [page.slug for page in pages] == [page.slug for page in PAGES if page.shelf == book.GUIDE]
    assert "/guide/lab" not in "".join(map(html, pages)) and "/guide/reference" not in "".join(map(html, pages))


def test_a_checkout_without_a_guide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no guide pages"):
        shelves(tmp_path, lab__README="# T\n")


def test_a_page_without_a_title_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="page page does not begin with a # title"):
        guide(tmp_path, "no title\n")


def test_html_in_the_source_becomes_text(tmp_path: Path) -> None:
    told = html(guide(tmp_path, "# T\n\n## A <b>\n\n<script>x</script> <b>bold</b> [no](javascript:alert(1))\n"))
    assert "<script" not in told and "<b>" not in told and "href" not in told


def test_the_words_people_ask_with_are_not_shown(tmp_path: Path) -> None:
    page = guide(tmp_path, "# T\n\n## A\n\n<!-- asked: lost,\nfound -->\n\nBody.\n")
    assert page.sections[0].asked == "lost,\nfound"
    assert page.sections[0].text == "Body."
    assert "lost" not in html(page) + page.text


def test_links_between_files_become_addresses_and_those_to_other_files_become_text(tmp_path: Path) -> None:
    text = "[b](../../lab/README.md#b) [a](#a) [x](https://example.org/y.md#z) [`live.py`](../../chatbot/live.py) "
    text += "[live.py](../../chatbot/live.py) [the relay](../../chatbot/relay.py)\n\n```\n[as](it.md) is\n```"
    page = shelves(tmp_path, docs__guide__page=f"# T\n\n## A\n\n{text}\n", lab__README="# L\n")[0]
    assert page.sections[0].text == (
        "[b](/guide/lab#b) [a](/guide/page#a) [x](https://example.org/y.md#z) `live.py` "
        "`live.py` the relay (`chatbot/relay.py`)\n\n```\n[as](it.md) is\n```"
    )


def test_the_anchors_at_a_sections_end_are_cut_out_of_it(tmp_path: Path) -> None:
    items = ["code: [`chatbot/a.py` `B.c`](../../chatbot/a.py)", "test: [`tests/a.py`](../../tests/a.py)"]
    block = "\n".join(f"- {item}" for item in [*items, "command: `flask doctor --url URL`"])
    section = guide(tmp_path, f"# T\n\n## A\n\nBody.\n\nIn this app:\n\n{block}\n\n## B\n\nC.\n").sections[0]
    assert section.text == "Body."
    assert section.anchors == (
        book.Anchor("code", "chatbot/a.py", "B.c"),
        book.Anchor("test", "tests/a.py", ""),
        book.Anchor("command", "flask doctor --url URL", ""),
    )


def test_a_long_name_breaks_at_its_marks_and_a_short_one_nowhere(tmp_path: Path) -> None:
    told = html(guide(tmp_path, f"# T\n\n`MAX_OUTPUT_TOKENS` `a/b::<c>_{'d' * 40}`\n"))
    assert f"<code>MAX_OUTPUT_TOKENS</code> <code>a/<wbr>b::<wbr>&lt;c&gt;_<wbr>{'d' * 40}</code>" in told


def test_a_table_scrolls_in_a_box_that_a_keyboard_can_reach(tmp_path: Path) -> None:
    told = html(guide(tmp_path, "# T\n\n| a |\n| --- |\n| 1 |\n"))
    assert re.fullmatch(
        r'<div class="table" role="group" aria-label="Table" tabindex="0"><table>.*</table></div>\s*', told, re.DOTALL
    )


def test_where_the_marker_stands_the_page_has_the_calculator_and_its_prices(
    client: FlaskClient, tmp_path: Path
) -> None:
    page = guide(tmp_path, "# T\n\n## A\n\nBefore.\n\n<!-- calculator -->\n\nAfter.\n")
    assert page.has_calculator and page.sections[0].text == "Before.\n\nAfter."
    assert [re.sub("<[^>]+>|\n", "", piece) for piece in page.sections[0].html] == ["Before.", "After."]
    marked = [each.slug for each in PAGES if each.has_calculator]
    assert marked == ["what-it-costs"]
    with_it, without = client.get(f"/guide/{marked[0]}").text, client.get("/guide/get-a-key").text
    assert "gpt-6-sol</option>" in with_it and "</option>" not in without


def test_the_price_list_has_the_allowed_models_first_and_others_that_have_a_price() -> None:
    settings = load_settings(
        _env_file=None, openai_models=["own", "nobody-knows"], model_prices={"own": ("1", "0.5", "2")}
    )
    prices = price_list(settings)
    assert [tuple(price) for price in prices[:2]] == [("gpt-6-luna", 0.1, 0.01, 0.5), ("own", 1, 0.5, 2)]
    names = [price.name for price in prices]
    assert "gpt-6-sol" in names and "nobody-knows" not in names and len(set(names)) == len(names)
