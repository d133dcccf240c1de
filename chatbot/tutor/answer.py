"""What the tutor says of the passages it found: the best one in its own words, where it stands, and what is near it."""

from __future__ import annotations

from chatbot.tutor.passages import Passage

MOST_ROWS = 4
OF_THE_BEST = 0.75  # of its score has a row of the same table that is told beside it,
OF_THE_TEXT = 0.2  # and of that of a text the row that is told below it, where its table is too long
MOST_LINKS = 3


def answer(found: list[tuple[Passage, float]]) -> str:
    """Markdown: the best passage, a link to it, and links to others; `found` has the best first, with their scores."""
    best, score = found[0]
    parts = [f"The {best.shelf.lower()} says under “{best.place}”:", best.text]
    least, most = (OF_THE_BEST * score, MOST_ROWS - 1) if best.is_row else (OF_THE_TEXT * score, 1)
    parts += [each.text for each, its in found[1:] if _is_beside(each, best) and its >= least][:most]
    parts.append(f"Read on: {best.link}")
    if others := _links(found)[1:]:
        parts.append(f"See also: {' and '.join(others)}")
    return "\n\n".join(parts)


def guess(found: list[tuple[Passage, float]]) -> str:
    """The same where little speaks for them: links alone."""
    return f"Perhaps one of these helps: {', '.join(_links(found))}.\n\n" if found else ""


def _links(found: list[tuple[Passage, float]]) -> list[str]:
    links: dict[str, str] = {}
    for each, _ in found:
        links.setdefault(each.topic, each.link)
    return list(links.values())[:MOST_LINKS]


def _is_beside(row: Passage, best: Passage) -> bool:
    return row.is_row and row.link == best.link and "\n| -" not in best.text
