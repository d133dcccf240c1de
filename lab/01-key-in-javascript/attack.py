"""Reads the key out of the scripts that the page loads, and spends with it.

Anywhere: every page, every script and every other file that the server gives to a stranger is searched.
"""

from lab.alive import must_chat
from lab.client import target
from lab.crawl import crawl
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

app, seen = target(), []
for path, text in crawl(app):
    seen.append(path)
    if key := key_in(text):
        spend(key)
        worked(f"The key stands in {path}, for everybody who opens the page.")
if not any(path.endswith(".js") for path in seen):
    not_made("The page loads no script.")
must_chat(app)
failed(f"There is no key in {len(seen)} files and pages, {sum(path.endswith('.js') for path in seen)} of them scripts.")
