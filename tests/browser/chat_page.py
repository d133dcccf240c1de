"""What a visitor does on the chat page, in their words."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.conftest import wait_for

# Where the page is scrolled to once it moves no more.
REST = """async () => {
    for (let [top, still] = [scrollY, 0]; still < 10; still = scrollY === top ? still + 1 : 0) {
        top = scrollY;
        await new Promise(requestAnimationFrame);
    }
    return scrollY;
}"""


def told(text: str) -> str:
    """A question that the fake OpenAI answers with `text`."""
    return "[fake:text " + text.replace("\\", "\\\\").replace("]", "\\]").replace("\n", "\\n") + "]"


class ChatPage:
    """The chat page in a browser's tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)
        self.box = page.get_by_role("textbox", name="Message")
        self.send = page.get_by_role("button", name="Send", exact=True)
        self.stop = page.get_by_role("button", name="Stop the reply")
        self.questions = page.locator("article.question")
        self.replies = page.locator("article.reply")
        self.errors = page.locator(".error")
        self.status = page.get_by_role("status")

    def begin(self) -> None:
        """Until the whole page is there, and has heard of the server."""
        expect(self.page.get_by_role("button", name=" left")).to_be_visible()

    @property
    def answer(self) -> Locator:
        """The text of the last reply."""
        return self.replies.last.locator(".markdown")

    def ask(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def ask_and_wait(self, text: str) -> None:
        before = self.replies.count()
        self.ask(text)
        expect(self.replies).to_have_count(before + 1)
        self.wait()

    def wait(self) -> None:
        """Until no reply runs."""
        expect(self.stop).to_be_hidden()

    def rest(self) -> float:
        """Until the page moves no more; where it is scrolled to."""
        return float(self.page.evaluate(REST))

    def wheel(self, pixels: int) -> float:
        """Turn the wheel over the conversation, which moves it a moment later; where it then rests."""
        before = self.rest()
        self.page.mouse.move(600, 400)
        self.page.mouse.wheel(0, pixels)
        wait_for(lambda: self.page.evaluate("scrollY") != before, what="the page moves")
        return self.rest()
