"""Links from file to file, which work where the files are read as they are, made into addresses of the site."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath

FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# [text](file#anchor) and, with a `!` before it, a picture; not an address, of another site or of this.
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|/)([^)#\s]*)(#[^)\s]*)?\)")


def to_addresses(source: str, path: str, addresses: dict[str, str]) -> str:
    """The Markdown of the file at `path` with links to the files in `addresses` as /guide/...; others become text."""

    def change(link: re.Match[str]) -> str:
        picture, text, file, anchor = link[1], link[2], link[3], link[4] or ""
        target = normpath(join(dirname(path), file)) if file else path
        if target in addresses:
            return f"{picture}[{text}](/guide/{addresses[target]}{anchor})"
        return f"*{text}*" if picture else _as_code(text, target)

    # Every other piece is a block of code.
    pieces = FENCE.split(source)
    return "".join(piece if number % 2 else LINK.sub(change, piece) for number, piece in enumerate(pieces))


def _as_code(text: str, path: str) -> str:
    """The name of a file that is not served, in code, after the words that led to it unless they name it already."""
    if "`" in text:
        return text
    return f"`{text}`" if text.strip("/") in path else f"{text} (`{path}`)"
