"""What a visitor does on the chat page in a tab of another browser."""

from __future__ import annotations

from tests.browser.others.tab import Tab

BOX = "#message"
STOP = '[data-part="stop"]'
FILL = """
const box = document.querySelector(arguments[0]);
box.focus();
box.value = arguments[1];
box.dispatchEvent(new InputEvent('input', { bubbles: true }));
"""


class ChatTab:
    """The chat page in a tab: like ChatPage, in fewer words."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.url = url
        tab.open(url)
        self._begin()

    def reload(self) -> None:
        self.tab.reload()
        self._begin()

    @property
    def draft(self) -> str:
        return str(self.tab.run("return document.querySelector(arguments[0]).value", BOX))

    @property
    def answer(self) -> str:
        """The text of the last reply."""
        return self.tab.text("article.reply .markdown")

    def ask(self, text: str) -> None:
        self.tab.run(FILL, BOX, text)
        self.tab.press("Enter")

    def ask_and_wait(self, text: str) -> None:
        before = self.tab.count("article.reply")
        self.ask(text)
        self.tab.until(lambda: self.tab.count("article.reply") == before + 1, "a reply begins")
        self.wait()

    def wait(self) -> None:
        """Until no reply runs."""
        self.tab.until(lambda: not self.tab.count(STOP), "the reply ends")

    def sees(self, css: str, what: str, count: int | None = None) -> None:
        """Waits until an element with this selector is visible, or `count` are."""
        self.tab.until(lambda: self.tab.count(css) == count if count is not None else self.tab.count(css), what)

    def reads(self, text: str, css: str = "article.reply .markdown") -> None:
        """Waits until the last element with this selector holds the text."""
        self.tab.until(lambda: text in self.tab.text(css), text)

    def answers(self, text: str) -> None:
        """Waits until the last reply is this text and no more; empty: until there is none."""
        self.tab.until(lambda: self.answer == text, f"the answer is {text or 'not there'}")

    def _begin(self) -> None:
        """The page can take a letter when the cursor is in the box, and is whole when the chats are listed."""
        self.tab.until(lambda: self.tab.run("return document.activeElement.id") == BOX[1:], "the cursor is in the box")
        self.sees(".skeleton", "the list of chats is read", 0)
