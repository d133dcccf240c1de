"""Films the real page for the README, with the fake OpenAI answering: `make film`."""

from __future__ import annotations

import base64
import io
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from chatbot.fields import Fields
from tests.browser.conftest import launch
from tests.conftest import ROOMY, ROOT, serving
from tests.fake_openai import FakeOpenAI

DOCS = ROOT / "docs"
SCREEN = {"viewport": {"width": 960, "height": 680}, "color_scheme": "light"}
SHORTEST_MS = 60  # two pictures that come closer than this are one
LAST_MS = 2500
QUESTION = "How do I retry a call without flooding the server?"
TEXT = """\
Wait longer after each failure, and add some chance, so that not everybody comes back at once:

```python
import random, time

def call_with_retries(call, tries=4):
    for attempt in range(tries):
        try:
            return call()
        except ConnectionError:
            if attempt == tries - 1:
                raise
            time.sleep(2**attempt * random.uniform(0.5, 1.5))
```

Three things to keep in mind:

- If the server says `Retry-After`, wait **that** long.
- Some errors never get better: a wrong key, no money left.
- Set a limit. Every retry may cost.
"""


class Camera:
    """Keeps each picture that the browser paints, with its time."""

    def __init__(self, page: Page) -> None:
        self._shots: list[tuple[float, bytes]] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})

    def _keep(self, frame: dict[str, Any]) -> None:
        self._shots.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    def save(self, path: Path) -> None:
        """An animation of all pictures; each is shown until the next was painted."""
        ended, kept = time.time(), [self._shots[0]]
        for shot in self._shots[1:]:
            if (shot[0] - kept[-1][0]) * 1000 < SHORTEST_MS:
                kept[-1] = (kept[-1][0], shot[1])
            else:
                kept.append(shot)
        times = [taken for taken, _ in kept] + [ended]
        lengths = [round((after - before) * 1000) for before, after in pairwise(times)]
        first, *rest = (Image.open(io.BytesIO(picture)).convert("RGB") for _, picture in kept)
        first.save(
            path, save_all=True, append_images=rest, duration=[*lengths[:-1], LAST_MS], loop=0,
            lossless=True, quality=90, method=4, minimize_size=False,
        )  # fmt: skip


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder, FakeOpenAI(default="delay 22") as fake,
        serving(Path(folder)) as start, sync_playwright() as playwright,
    ):  # fmt: skip
        url = start(**fake.env, **{name: Fields.model_fields[name.lower()].default for name in ROOMY}).url
        browser = launch(playwright)
        page = browser.new_context(**SCREEN).new_page()
        page.goto(url)
        expect(page.get_by_role("textbox", name="Message")).to_be_focused()
        page.wait_for_timeout(500)
        camera = Camera(page)
        play(page, fake)
        camera.save(DOCS / "film.webp")
        page.keyboard.press("Escape")
        page.get_by_role("textbox", name="Message").focus()
        page.mouse.move(600, 300)
        page.wait_for_timeout(300)
        page.screenshot(path=DOCS / "film.png")
        browser.close()


def play(page: Page, fake: FakeOpenAI) -> None:
    """A question, its answer as it comes, a stop, the rest, and what is left of the allowance."""
    stop = page.get_by_role("button", name="Stop the reply")
    page.wait_for_timeout(600)
    page.keyboard.type(QUESTION, delay=28)
    page.wait_for_timeout(300)
    fake.default_text = TEXT
    page.keyboard.press("Enter")
    expect(page.locator("article.reply .markdown")).to_contain_text("except", timeout=20_000)
    stop.click()
    go_on = page.get_by_role("button", name="Continue")
    expect(go_on).to_be_visible()
    page.wait_for_timeout(900)
    fake.default_text = TEXT[len(told(page)) :]
    go_on.click()
    expect(stop).to_be_hidden(timeout=20_000)
    page.wait_for_timeout(900)
    page.get_by_role("button", name="messages left").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(500)


def told(page: Page) -> str:
    """What the server has of the answer that was stopped."""
    chat = page.request.get(page.url.replace("/c/", "/api/chats/")).json()
    return str(chat["messages"][-1]["parts"][-1]["text"])


if __name__ == "__main__":
    main()
