"""WebKit, the engine of Safari, as WebKitGTK: a window under Xvfb, steered by WebKit's own WebDriver."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import free_port, needed, wait_for

WINDOW = Path(__file__).with_name("webkit_window.py")
COMMANDS = {
    "Navigate": ("POST", "url"),
    "Refresh": ("POST", "refresh"),
    "Back": ("POST", "back"),
    "Forward": ("POST", "forward"),
    "ExecuteScript": ("POST", "execute/sync"),
    "PerformActions": ("POST", "actions"),
    "SetWindowRect": ("POST", "window/rect"),
    "TakeScreenshot": ("GET", "screenshot"),
}


def python_with_webkit() -> str | None:
    """The system's Python, if it has the bindings that webkit_window.py needs."""
    python = shutil.which("python3", path="/usr/bin")
    check = "import gi; gi.require_version('WebKit2', '4.1')"
    return python if python and subprocess.run([python, "-c", check], capture_output=True).returncode == 0 else None


class WebKit:
    """A WebKit of our own; what it keeps goes to `folder`."""

    name = "WebKit"

    def __init__(self, folder: Path, proxy_port: int) -> None:
        driver = needed(shutil.which("WebKitWebDriver"), "WebKitWebDriver")
        python = needed(python_with_webkit(), "WebKit for the system's Python")
        xvfb = needed(shutil.which("Xvfb"), "Xvfb")
        self._log = folder / "log"
        self._display = self._start_display(xvfb)
        self._port = free_port()
        environment = os.environ | {
            "DISPLAY": self._display,
            "GDK_BACKEND": "x11",
            "GSETTINGS_BACKEND": "memory",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "XDG_RUNTIME_DIR": str(folder),
        }
        with self._log.open("wb") as log:
            self._driver = subprocess.Popen(
                ["stdbuf", "-oL", driver, "--host=127.0.0.1", f"--port={self._port}"],
                env=environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        window = {"binary": python, "args": [str(WINDOW), str(folder), f"http://127.0.0.1:{proxy_port}"]}
        wait_for(self._answers, 90, "WebKitWebDriver")
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": window}}}
        self._session = f"/session/{self._ask('POST', '/session', wanted)['sessionId']}"

    def send(self, command: str, **parameters: Any) -> Any:
        method, path = COMMANDS[command]
        return self._ask(method, f"{self._session}/{path}", parameters)

    def resize(self, width: int, height: int) -> None:
        self.send("SetWindowRect", width=width, height=height)

    def console(self) -> list[str]:
        return re.findall(".*CONSOLE (?:[A-Z]+ )?(?:ERROR|WARN).*", self._log.read_text())

    def close(self) -> None:
        try:
            self._ask("DELETE", self._session)
        finally:
            for process in (self._driver, self._xvfb):
                process.terminate()
                process.wait(60)

    def _start_display(self, xvfb: str) -> str:
        reading, writing = os.pipe()
        command = [xvfb, "-displayfd", str(writing), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
        self._xvfb = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as number:
            return f":{number.readline().strip()}"

    def _answers(self) -> bool:
        try:
            return bool(self._ask("GET", "/status")["ready"])
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=240)
        try:
            connection.request(method, path, json.dumps(body) if method == "POST" else None)
            response = connection.getresponse()
            value = json.load(response)["value"]
        finally:
            connection.close()
        assert response.status == 200, value
        return value
