"""The book: the project's own Markdown, as pages that are served under /guide and that the tutor searches."""

from chatbot.book.page import Anchor, Page, Section
from chatbot.book.shelves import GUIDE, LAB, REFERENCE, load

__all__ = ["GUIDE", "LAB", "REFERENCE", "Anchor", "Page", "Section", "load"]
