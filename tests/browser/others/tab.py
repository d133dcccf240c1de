"""One tab of a browser that speaks WebDriver: opening, typing, clicking, asking the page."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tests.conftest import wait_for

KEYS = {"Shift": "\ue008", "Control": "\ue009", "Enter": "\ue007", "Escape": "\ue00c", "ArrowUp": "\ue013"}

# The centre of an element that a pointer can reach there, or why none can.
REACH = """
const [css, text] = arguments;
const isMeant = (node) => node.checkVisibility({ visibilityProperty: true }) && node.textContent.includes(text);
const node = [...document.querySelectorAll(css)].find(isMeant);
if (!node) return 'it is not there';
node.scrollIntoView({ block: 'nearest', behavior: 'instant' });
const box = node.getBoundingClientRect();
const x = Math.round(box.x + box.width / 2), y = Math.round(box.y + box.height / 2);
const top = document.elementFromPoint(x, y);
return node.contains(top) || top?.contains(node) ? [x, y] : `${top?.outerHTML.slice(0, 99)} lies over it`;
"""


class Program(Protocol):
    """A browser that runs: commands by their names in the WebDriver standard, and what its console said."""

    name: str

    def send(self, command: str, **parameters: Any) -> Any: ...
    def resize(self, width: int, height: int) -> None: ...
    def console(self) -> list[str]: ...
    def close(self) -> None: ...


class Tab:
    """What a visitor does in a tab, and what the page then is."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def open(self, url: str) -> None:
        self.program.send("Navigate", url=url)

    def reload(self) -> None:
        self.program.send("Refresh")

    def back(self) -> None:
        self.program.send("Back")

    def forward(self) -> None:
        self.program.send("Forward")

    def run(self, script: str, *values: object) -> Any:
        """What `script`, the body of a function with these `arguments`, returns."""
        return self.program.send("ExecuteScript", script=script, args=list(values))

    def press(self, keys: str) -> None:
        """`Shift+Enter`: presses them in turn, then lets them go."""
        self._type([KEYS.get(key, key) for key in keys.split("+")])

    def type(self, text: str) -> None:
        for letter in text:
            self._type([letter])

    def click(self, css: str, text: str = "") -> None:
        """Clicks on the first visible element with this selector and text, as soon as a pointer reaches it."""
        deadline = time.monotonic() + 60
        while isinstance(place := self.run(REACH, css, text), str):
            assert time.monotonic() < deadline, f"{self.program.name}: {css} cannot be clicked: {place}"
        x, y = place
        moves = [{"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0}]
        self._act("pointer", [*moves, {"type": "pointerUp", "button": 0}])

    def wheel(self, pixels: int) -> None:
        """Turns the mouse's wheel over the middle of the page; upwards if negative."""
        x, y = self.run("return [Math.round(innerWidth / 2), Math.round(innerHeight / 2)]")
        turn = {"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": pixels, "duration": 0, "origin": "viewport"}
        self._act("wheel", [turn])

    def text(self, css: str) -> str:
        """The text of the last element with this selector."""
        script = "return [...document.querySelectorAll(arguments[0])].at(-1)?.innerText.trim() ?? ''"
        return str(self.run(script, css))

    def count(self, css: str) -> int:
        """How many elements with this selector are visible."""
        script = "return [...document.querySelectorAll(arguments[0])].filter((node) => node.checkVisibility()).length"
        return int(self.run(script, css))

    def until(self, condition: Callable[[], object], what: str) -> None:
        wait_for(condition, 60, f"{self.program.name}: {what}")

    def photograph(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.program.send("TakeScreenshot", full=False)))

    def _type(self, keys: list[str]) -> None:
        down = [{"type": "keyDown", "value": key} for key in keys]
        self._act("key", down + [{"type": "keyUp", "value": key} for key in reversed(keys)])

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        self.program.send("PerformActions", actions=[{"type": kind, "id": kind, "actions": actions}])
