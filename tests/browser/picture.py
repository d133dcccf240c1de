"""Takes the README's picture: `make picture` writes docs/chat.png from the real page, with the tutor answering."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import launch
from tests.conftest import ROOT, Served, clean_environment, free_port, wait_until_ready

QUESTION = "My key was stolen, what do I do?"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = clean_environment(DATABASE_URL=f"sqlite:///{folder}/chat.db", PORT=port)
        log = Path(folder, "log")
        with log.open("wb") as output:
            server = subprocess.Popen([sys.executable, "-m", "gunicorn"], cwd=ROOT, env=environment, stderr=output)
        try:
            wait_until_ready(Served(f"http://127.0.0.1:{port}", server, log, ""))
            take(f"http://127.0.0.1:{port}", ROOT / "docs" / "chat.png")
        finally:
            server.terminate()
            server.wait()


def take(url: str, path: Path) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(url)
        page.get_by_role("textbox").fill(QUESTION)
        page.keyboard.press("Enter")
        expect(page.get_by_text("See also:")).to_be_visible(timeout=30_000)
        expect(page.get_by_role("button", name="Stop")).to_be_hidden(timeout=30_000)
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    main()
