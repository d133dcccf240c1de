"""Which files are served, at which address and on which shelf."""

from __future__ import annotations

from pathlib import Path

from chatbot.book.links import to_addresses
from chatbot.book.page import Page, read_page

GUIDE, LAB, REFERENCE = "Guide", "Lab", "Reference"
# The order of a first visit; any other pages come after these, by name.
FIRST = ("get-a-key", "keep-it-safe", "if-it-leaks", "what-it-costs", "use-it-well", "older-guides")
REFERENCES = ("docs/reference/README.md", "docs/configuration.md", "docs/reference/*.md")
# Of each shelf the files in their order, and how its addresses begin, below /guide/.
SHELVES = {
    GUIDE: ("", [*(f"docs/guide/{name}.md" for name in FIRST), "docs/guide/*.md"]),
    LAB: ("lab/", ["lab/README.md", "lab/*/README.md"]),
    REFERENCE: ("reference/", [*REFERENCES, "docs/privacy.md", "docs/make-it-yours.md"]),
}


def load(root: Path) -> list[Page]:
    """The pages of a checkout, in order. Raises ValueError when it has no guide, or a page no `#` title.

    A shelf whose files are not there is left out.
    """
    shelves: dict[str, str] = {}
    addresses = {f"docs/pictures/{path.name}": f"pictures/{path.name}" for path in root.glob("docs/pictures/*.svg")}
    for shelf, (start, patterns) in SHELVES.items():
        for path in [found for pattern in patterns for found in sorted(root.glob(pattern))]:
            name = path.relative_to(root).as_posix()
            shelves.setdefault(name, shelf)
            addresses.setdefault(name, _slug(path, start))
    if GUIDE not in shelves.values():
        raise ValueError(f"no guide pages in {root / 'docs' / 'guide'}")
    return [
        read_page(addresses[name], shelf, to_addresses((root / name).read_text("utf-8"), name, addresses))
        for name, shelf in shelves.items()
    ]


def _slug(path: Path, start: str) -> str:
    """A README has the name of its folder, and that of the lab's folder the lab's own address."""
    name = path.parent.name if path.stem == "README" else path.stem
    return name if f"{name}/" == start else start + name
