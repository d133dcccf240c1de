"""Makes the app's icons again: `make icons` draws static/img/favicon.svg in the sizes that devices ask for."""

from __future__ import annotations

import re

from playwright.sync_api import sync_playwright

from tests.browser.conftest import launch
from tests.conftest import ROOT

FOLDER = ROOT / "static" / "img"
ROUND = {"icon-192": 192, "icon-512": 512}
FULL = {"maskable-512": 512, "apple-touch-icon": 180}  # devices cut these to a shape of their own


def main() -> None:
    drawing = (FOLDER / "favicon.svg").read_text()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        for svg, sizes in ((drawing, ROUND), (full(drawing), FULL)):
            for name, size in sizes.items():
                page.set_viewport_size({"width": size, "height": size})
                page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: 100vw }}</style>{svg}")
                page.screenshot(path=FOLDER / f"{name}.png", omit_background=True)
        browser.close()


def full(drawing: str) -> str:
    """The ground to the edges; what is drawn on it well inside the circle that every device leaves."""
    return re.sub(r"<g ", '<g transform="translate(3.2 3.2) scale(0.8)" ', re.sub(r' rx="[\d.]+"', "", drawing))


if __name__ == "__main__":
    main()
