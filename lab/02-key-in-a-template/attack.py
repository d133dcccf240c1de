"""Reads the page's source, where a password field hides nothing, and spends with the key.

Anywhere: each attribute, comment and text of each page is read, and what the cookies say.
"""

from html.parser import HTMLParser

from lab.alive import must_chat
from lab.client import target
from lab.crawl import crawl
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

read = []


class Source(HTMLParser):
    """Whatever a page's source says."""

    def handle_starttag(self, tag, attrs):
        read.extend((f"the attribute {name} of <{tag}>", value or "") for name, value in attrs)

    def handle_data(self, data):
        read.append(("the text", data))

    handle_comment = handle_data


app = target()
for path, text in crawl(app):
    first = len(read)
    if "<!doctype html>" in text:
        Source().feed(text)
    for place, words in [("the headers", text.partition("\n\n")[0]), *read[first:]]:
        if key := key_in(words):
            spend(key)
            worked(f"The key stands in {place} at {path}.")
if not any("<form>" in place for place, _ in read):
    not_made("There is no form.")
must_chat(app)
failed(f"There is no key in {len(read)} attributes, texts and comments.")
