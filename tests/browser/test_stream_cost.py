"""What a long answer costs the browser while it arrives, beside a page that only appends the same plain text.

Both pages run side by side in one browser, each in a process of its own. Their work is counted in CPU time of their
main threads, as the browser's own trace has it: a busy machine makes both late, but not dearer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chat_page import ChatPage
from tests.conftest import Served

SECONDS, CHUNKS, CHARACTERS = 25, 5_000, 20_000
pytestmark = pytest.mark.alone
TIMES_PLAIN = 1.2
LONGEST_TASK_MS = 50
PROSE = "The **answer** has *emphasis*, `code`, [a link](https://example.org/) and prices such as $5, and it goes on. "
ANSWER = "\n\n".join(
    [
        (Path(__file__).parent / "answer.md").read_text(),
        PROSE * 4,
        "So $e^{i\\pi} + 1 = 0$ and \\(x_1\\):\n\n$$\n\\int_0^1 \\frac{1}{1+t^2}\\,dt = \\frac{\\pi}{4}\n$$",
        "```python\n" + "def double(x: int) -> int:\n    return x * 2  # twice\n\n\n" * 8 + "```",
        "\n".join(f"{number}. {PROSE}" for number in range(1, 6)),
    ]
)
STREAM = """async ([name, text, chunks, seconds]) => {
    const box = [...document.querySelectorAll('article.reply .markdown')].at(-1);
    const { MarkdownStream } = await import('/static/js/markdown/stream.js');
    box.replaceChildren();
    box.parentNode.querySelector('.actions').hidden = true; // as while a reply runs
    const stream = new MarkdownStream(box);
    const plain = document.createTextNode('');
    if (name === 'plain') {
        box.style.whiteSpace = 'pre-wrap';
        box.append(plain);
    }
    const append = name === 'plain' ? (chunk) => plain.appendData(chunk) : (chunk) => stream.append(chunk);
    const size = text.length / chunks;
    const shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: 'layout-shift' });
    const began = performance.now();
    performance.mark(`begin ${name}`);
    for (let sent = 0; sent < chunks; ) {
        const due = Math.min(chunks, Math.floor(((performance.now() - began) / 1000 / seconds) * chunks));
        for (; sent < due; sent += 1) append(text.slice(sent * size, (sent + 1) * size));
        await new Promise((done) => setTimeout(done, 5));
    }
    if (name !== 'plain') stream.finish();
    await new Promise((done) => setTimeout(done, 1000));
    performance.mark(`end ${name}`);
    const told = ({ node, previousRect: from, currentRect: to }) =>
        `${node?.className ?? node?.textContent}: ${from.x} ${from.y} ${from.height} to ${to.x} ${to.y} ${to.height}`;
    return shifts.map(({ value, sources }) => [value, ...sources.map(told)]);
}"""


@dataclass
class Work:
    """CPU milliseconds of a page's main thread while the answer arrived."""

    whole: float
    longest_task: float


def test_an_answer_costs_hardly_more_than_its_plain_text_and_moves_nothing(
    browser: Browser, new_page: Callable[..., Page], served: Served
) -> None:
    text = (ANSWER * (CHARACTERS // len(ANSWER) + 1))[:CHARACTERS]
    chats = {name: ChatPage(new_page(), served.url) for name in ("plain", "markdown")}
    for chat in chats.values():
        chat.ask_and_wait("[fake:text hello]")
    browser.start_tracing(categories=["toplevel", "blink.user_timing"])
    for name, chat in chats.items():
        chat.page.evaluate(f"(job) => void (window.streamed = ({STREAM})(job))", [name, text, CHUNKS, SECONDS])
    shifts = {name: chat.page.evaluate("window.streamed") for name, chat in chats.items()}
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    plain, markdown = (work(trace, name) for name in ("plain", "markdown"))
    answer = chats["markdown"].answer
    assert answer.locator(".katex").count() > 3, "no formulas"
    assert answer.locator(".code-keyword").count() > 3, "no colours"
    assert markdown.whole <= TIMES_PLAIN * plain.whole, (markdown, plain)
    assert markdown.longest_task < LONGEST_TASK_MS, markdown
    assert shifts["markdown"] == []


def work(trace: list[dict[str, Any]], name: str) -> Work:
    """From the trace's events between the marks that the page `name` made."""
    begin, end = (next(event for event in trace if event["name"] == f"{mark} {name}") for mark in ("begin", "end"))
    thread = (begin["pid"], begin["tid"])
    tasks = [
        event.get("tdur", 0) / 1000  # those of a few microseconds have none
        for event in trace
        if event["name"].endswith("RunTask")
        and (event["pid"], event["tid"]) == thread
        and begin["ts"] <= event["ts"] <= end["ts"]
    ]
    return Work(sum(tasks), max(tasks))
