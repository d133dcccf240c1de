"""A tour of the chat page in Firefox and in WebKit: what the visitor does most works there as it does in Chromium."""

from __future__ import annotations

from pathlib import Path

from tests.browser.chat_page import told
from tests.browser.hostile import CORPUS
from tests.browser.others.chat_tab import FILL, STOP, ChatTab
from tests.browser.others.conftest import PHONE, House

ANSWER = (Path(__file__).parent.parent / "answer.md").read_text()
CODE_AND_MATH = "```\nmake run\n```\n\nIt is $$x^2$$ then."
AT_END = "return document.documentElement.scrollHeight - innerHeight - scrollY < 3"
TOKENS = "tok " * 99 + "tok"
HELD = "[fake: tokens 100; hold 60]"
STRANGERS = "script, iframe, object, embed, img, form, input, style, link, meta, base, template, svg:not(.icon)"


def test_a_typed_question_is_answered_and_its_markdown_rendered(chat: ChatTab) -> None:
    chat.tab.type("Hello you")
    chat.tab.press("Enter")
    chat.sees("article.reply", "a reply begins")
    chat.wait()
    assert chat.tab.text("article.question .bubble") == "Hello you"
    chat.ask_and_wait(told(ANSWER))
    for element, count in {"table": 1, "tbody tr": 3, "ol > li": 3, "blockquote": 1, ".code": 1, "strong": 1}.items():
        chat.sees(f"article.reply:last-of-type .markdown {element}", element, count)
    chat.sees(".code-copy", "the bar of the code block")
    chat.sees(".code-keyword", "coloured code")


def test_code_is_copied_and_a_formula_is_drawn(chat: ChatTab) -> None:
    chat.ask_and_wait(told(CODE_AND_MATH))
    chat.sees(".formula .katex", "a formula")
    chat.tab.click(".code-copy")
    chat.reads("Copied", '[data-part="status"]')


def test_shift_enter_breaks_the_line(chat: ChatTab) -> None:
    chat.tab.type("one")
    chat.tab.press("Shift+Enter")
    chat.tab.type("two")
    assert chat.draft == "one\ntwo"
    chat.tab.press("Enter")
    chat.reads("one\ntwo", "article.question .bubble")
    chat.wait()


def test_stop_ends_the_reply_and_keeps_its_text(chat: ChatTab, house: House) -> None:
    for count, key in enumerate(("", "Escape"), 1):
        chat.ask(HELD)
        chat.sees("article.reply", "a reply begins", count)
        chat.reads("tok tok")
        if key:
            chat.tab.press(key)
        else:
            chat.tab.click(STOP)
        chat.wait()
        chat.reads("Stopped", "article.reply .marks")
        assert chat.answer.startswith("tok tok")
    assert house.fake.wait_idle(15)


def test_a_reload_in_mid_reply_listens_again_to_its_end(chat: ChatTab, house: House) -> None:
    chat.ask(HELD)
    chat.reads("tok tok")
    chat.reload()
    chat.sees(STOP, "the reply goes on")
    house.fake.go_on()
    chat.wait()
    assert (chat.tab.count("article.question"), chat.answer) == (1, TOKENS)
    chat.reload()
    chat.reads(TOKENS)


def test_a_reply_survives_a_cut_connection_to_the_letter(chat: ChatTab, house: House, expected: list[str]) -> None:
    expected += ["network connection", "Failed to load resource"]
    chat.ask(HELD)
    chat.reads("tok tok")
    house.line.cut()
    house.fake.go_on()
    chat.reads(TOKENS)
    chat.wait()
    assert (chat.answer, chat.tab.count(".error")) == (TOKENS, 0)


def test_the_page_follows_the_end_until_the_reader_scrolls_up(chat: ChatTab, house: House) -> None:
    chat.ask_and_wait("[fake: tokens 1500]")
    chat.ask("[fake: tokens 700; delay 1; hold 300]")
    chat.sees("article.reply", "a second reply", 2)
    chat.tab.until(lambda: len(chat.answer) > 1000, "the answer grows")
    chat.tab.until(lambda: chat.tab.run(AT_END), "the page follows the end")
    chat.tab.wheel(-300)
    chat.sees(".jump", "the way back to the end")
    top, length = chat.tab.run("return scrollY"), len(chat.answer)
    house.fake.go_on()
    chat.tab.until(lambda: len(chat.answer) > length + 500, "the answer grows")
    assert chat.tab.run("return scrollY") == top
    chat.tab.click(".jump")
    chat.sees(".jump", "no need to jump", 0)
    chat.tab.until(lambda: chat.tab.run(AT_END), "the page is at its end")
    assert chat.tab.run("return document.activeElement.id") == "message"
    chat.wait()


def test_a_draft_survives_a_reload(chat: ChatTab) -> None:
    chat.tab.type("half a thought")
    chat.reload()
    chat.tab.until(lambda: chat.draft == "half a thought", "the draft is back")
    chat.tab.run("sessionStorage.clear()")


def test_back_and_forward_lead_between_chats(chat: ChatTab) -> None:
    chat.ask_and_wait("[fake:text One]")
    chat.tab.click('[data-action="newChat"]')
    chat.sees("article", "an empty chat", 0)
    chat.ask_and_wait("[fake:text Two]")
    for step, text in [(chat.tab.back, ""), (chat.tab.back, "One"), (chat.tab.forward, ""), (chat.tab.forward, "Two")]:
        step()
        chat.answers(text)


def test_a_chat_is_found_renamed_deleted_and_brought_back(chat: ChatTab) -> None:
    chat.ask_and_wait("Penguins")
    chat.reads("Penguins", ".chat-item.current .chat-title")
    chat.tab.press("Control+k")
    chat.tab.type("peng")
    chat.reads("Peng", ".chat-item mark")
    chat.tab.press("Escape")
    chat.sees(".chat-item mark", "the search is over", 0)
    chat.tab.click('.chat-item.current [data-part="open-menu"]')
    chat.tab.click('[data-act="rename"]')
    chat.tab.type("Birds")
    chat.tab.press("Enter")
    chat.reads("Birds", ".chat-item.current .chat-title")
    chat.tab.click('.chat-item.current [data-part="open-menu"]')
    chat.tab.click('[data-act="delete"]')
    chat.tab.run("document.querySelector('.toast button').focus()")  # so that it stays until it is pressed
    chat.sees(".chat-item.current", "the chat is gone", 0)
    chat.tab.click('.toast [data-part="action"]')
    chat.reads("Birds", ".chat-item.current .chat-title")


def test_an_edited_question_stands_beside_the_old_one(chat: ChatTab) -> None:
    chat.ask_and_wait("[fake:text One]")
    chat.tab.press("ArrowUp")
    chat.sees(".editor textarea", "the question can be edited")
    chat.tab.run(FILL, ".editor textarea", "[fake:text Two]")
    chat.tab.press("Enter")
    chat.reads("Two")
    chat.reads("2 / 2", ".question .place")
    chat.tab.click('.question [data-act="older"]')
    chat.reads("One")


def test_a_temporary_chat_is_gone_when_it_is_left(chat: ChatTab) -> None:
    chat.tab.click('[data-part="temporary"]')
    chat.ask_and_wait("[fake:text Psst]")
    chat.reload()
    chat.sees(".welcome", "an empty chat")


def test_settings_and_the_sheet_of_shortcuts_open_and_close(chat: ChatTab) -> None:
    chat.tab.click('[data-action="showSettings"]')
    chat.tab.click("#settings .segment", "Dark")
    chat.tab.press("Escape")
    chat.sees("#settings", "the settings are closed", 0)
    chat.reload()
    assert chat.tab.run("return getComputedStyle(document.body).backgroundColor") == "rgb(25, 26, 27)"
    chat.tab.press("Control+/")
    chat.sees("#shortcuts", "the sheet")
    chat.tab.press("Escape")
    chat.sees("#shortcuts", "the sheet is closed", 0)
    chat.tab.run("localStorage.clear()")


def test_the_policy_keeps_a_remote_image_away_and_the_console_tells(chat: ChatTab, expected: list[str]) -> None:
    expected.append("evil.example")
    chat.tab.run("document.body.append(Object.assign(new Image(), { src: 'https://evil.example/x.png' }))")
    chat.tab.until(lambda: "evil.example" in "".join(chat.tab.program.console()), "the console tells of the image")


def test_hostile_answers_run_nothing_and_load_nothing(chat: ChatTab) -> None:
    chat.ask_and_wait(told("\n\n".join([*CORPUS[::9], "The end"])))
    chat.reads("The end")
    chat.reload()
    chat.reads("The end")
    assert chat.tab.count(f".markdown :is({STRANGERS})") == 0
    assert chat.tab.run("return window.hit") is None


def test_a_phone_s_width_needs_no_scrolling_sideways(chat: ChatTab) -> None:
    chat.tab.program.resize(*PHONE)
    chat.tab.until(lambda: chat.tab.run("return innerWidth") == PHONE[0], "the window is narrow")
    chat.ask_and_wait(told(f"{ANSWER}\n\n`{'long' * 50}`\n\n{'word' * 50}"))
    assert (
        chat.tab.run("const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth")
        == 0
    )
