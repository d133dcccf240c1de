"""The tutor: an OpenAI-compatible server inside the process, which answers from the guide and costs nothing."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from functools import lru_cache

import httpx2
import msgspec

from chatbot.book import GUIDE, Page
from chatbot.model.cut import Cut, current_cut
from chatbot.model.events import GO_ON
from chatbot.tutor import wire
from chatbot.tutor.answer import answer, guess
from chatbot.tutor.passages import passages
from chatbot.tutor.search import LEAST, Index

FOLLOW_UP_WORDS = 5  # a longer question speaks for itself
INTRODUCTION = """\
I am the built-in tutor of this app: a small search over its guide to OpenAI keys, its lab and its reference, \
not a language model. You can ask me about:

{}

To talk to a real model, whoever runs this app sets `OPENAI_API_KEY_FILE` or `OPENAI_API_KEY` on the server and starts \
it again: [Put the key into this app](/guide/get-a-key#put-the-key-into-this-app)."""
# How the answer opens to a message that asks nothing of the guide.
SMALL_TALK = {
    r"|(hi|hello|hey|good (morning|afternoon|evening|day)|test)( there| tutor)?": "Hello!",
    r"help|(who|what|how) are you|what can you do|are you( an?| the)? \w+|what('s| is) your name": "Hello!",
    r"(ok|okay|great|perfect|thanks|thank you|so much|very much|a lot|[ ,.!])+( for [\w ]{1,30})?": "You are welcome.",
}


class TutorTransport(httpx2.BaseTransport):
    """Answers POST .../responses as OpenAI would, streamed, to any key and model.

    Words come at `words_per_second`, or at once if that is 0. Threads and greenlets may share it.
    """

    def __init__(self, pages: list[Page], words_per_second: float = 40.0) -> None:
        self._pages = tuple(pages)
        self._introduction = INTRODUCTION.format(_contents(pages))
        self._pause_s = 1 / words_per_second if words_per_second > 0 else 0.0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response; anything wrong with the request becomes OpenAI's kind of error, never an exception."""
        headers = {"x-request-id": f"req_{uuid.uuid4().hex}"}
        if request.method != "POST" or not request.url.path.endswith("/responses"):
            return httpx2.Response(404, headers=headers, json=wire.error("Unknown request URL.", "unknown_url"))
        try:
            asked = msgspec.json.decode(request.read(), type=wire.Request)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
            return httpx2.Response(400, headers=headers, json=wire.error(str(fault)))
        events = wire.response_events(asked, self._say(asked.input))
        headers["content-type"] = "text/event-stream"
        return httpx2.Response(200, headers=headers, content=self._paced(events, current_cut.get()))

    def _say(self, turns: list[wire.Turn]) -> str:
        """The answer, in Markdown, to the last message of the user; the rest of one that was cut off."""
        if len(turns) > 2 and turns[-1].content == GO_ON:
            _, said, rest = self._say(turns[:-2]).partition(turns[-2].content)
            return rest if said else ""
        asked = [turn.content for turn in turns if turn.role == "user"] or [""]
        for pattern, opening in SMALL_TALK.items():
            if re.fullmatch(pattern, asked[-1].strip(" \t\n.,!?").lower().replace("’", "'")):
                return f"{opening} {self._introduction}"
        index = _index(self._pages)
        found = index.search(asked[-1])
        if not found and len(asked[-1].split()) <= FOLLOW_UP_WORDS:
            # "Why?" or "tell me more": read with the questions before it, without what was answered already.
            told = "".join(turn.content for turn in turns if turn.role == "assistant")
            again = index.search(" ".join(asked[-3:]))
            found = [(each, score) for each, score in again if f"Read on: {each.link}" not in told]
        if found:
            return answer(found)
        return f"I do not know that. {guess(index.search(asked[-1], LEAST))}{self._introduction}"

    def _paced(self, events: Iterator[bytes], cut: Cut | None) -> Iterator[bytes]:
        for event in events:
            if cut is not None and cut.pulled:
                return
            time.sleep(self._pause_s)
            yield event


def _contents(pages: list[Page]) -> str:
    """Links to the pages of the guide, and to the first of each other shelf."""
    firsts = {page.shelf: page for page in reversed(pages) if page.shelf != GUIDE}
    links = [page.link for page in pages if page.shelf == GUIDE]
    return "\n".join(f"- {link}" for link in [*links, *(f"{shelf}: {page.link}" for shelf, page in firsts.items())])


@lru_cache(maxsize=1)
def _index(pages: tuple[Page, ...]) -> Index:
    """Made for the first question, and the same for the tutor that plays at the start of a process."""
    return Index(passages(pages))
