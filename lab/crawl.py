"""Everything that a server gives to whoever asks: its pages, what they load, and files at well-known addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

from lab.client import Target

STARTS = (
    "/", "/guide/", "/enter", "/admin", "/c/somebodys-chat", "/nothing-here", "/api/me", "/api/chats", "/healthz",
    "/readyz", "/metrics", "/robots.txt", "/api/openapi.json", "/.env", "/.git/config", "/settings.json",
)  # fmt: skip
LINK = re.compile(r"""(?:src|href|action)=["']?([^"'\s>]+)|(?:from|import)\s*\(?\s*["']([^"'\s]+)["']""")
MOST = 600


def crawl(target: Target) -> Iterator[tuple[str, str]]:
    """Each path with the headers and the text that it gives."""
    visitor = target.visitor()
    waiting, seen = list(STARTS), set(STARTS)
    while waiting and len(seen) < MOST:
        path = waiting.pop()
        answer = visitor.get(path)
        yield path, f"{answer.headers}\n{answer.text}"
        for match in LINK.finditer(answer.text):
            parts = urlsplit(urljoin(target.url + path, match[1] or match[2]))
            found = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe="/?=&%:,;+~@")
            if f"{parts.scheme}://{parts.netloc}" == target.url and found not in seen:
                seen.add(found)
                waiting.append(found)
