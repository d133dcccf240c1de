"""Firefox, steered by Marionette: WebDriver's commands over its own socket, without a driver in between."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import needed, wait_for

# A run is the same every time and asks nobody: whatever is not on loopback goes to the test's proxy, and none should.
QUIET: dict[str, object] = {
    "marionette.port": 0,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "general.smoothScroll": False,  # where a wheel leads is where the page is
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.http.speculative-parallel-limit": 0,
    "network.proxy.failover_direct": False,
    "network.proxy.type": 1,
    "security.OCSP.enabled": 0,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "ui.allPointerCapabilities": 6,  # a mouse: fine, and it hovers
    "ui.primaryPointerCapabilities": 6,
}

# What the pages of this tab complained of: errors, and what the policy forbade.
COMPLAINTS = """
return Services.console.getMessageArray()
  .filter((said) => said instanceof Ci.nsIScriptError && /^http/.test(said.sourceName))
  .map((said) => `${said.category}: ${said.errorMessage} (${said.sourceName}:${said.lineNumber})`)
"""
NARROW = "for (const side of ['min-width', 'max-width']) gBrowser.selectedBrowser.style.setProperty(side, arguments[0])"


class Firefox:
    """A Firefox of our own, headless, with a new profile in `folder`."""

    name = "Firefox"

    def __init__(self, folder: Path, proxy_port: int) -> None:
        program = needed(shutil.which("firefox-esr") or shutil.which("firefox"), "Firefox")
        quiet = QUIET | {f"network.proxy.{kind}": "127.0.0.1" for kind in ("http", "ssl")}
        quiet |= {f"network.proxy.{kind}_port": proxy_port for kind in ("http", "ssl")}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in quiet.items()]
        (folder / "user.js").write_text("".join(lines))
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "--headless", "--marionette", "--remote-allow-system-access", "--profile", folder],
                env=os.environ | {"HOME": str(folder), "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"},  # for services.settings
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        port = folder / "MarionetteActivePort"
        wait_for(lambda: port.exists() and port.read_text(), 90, "Firefox")
        self._socket = socket.create_connection(("127.0.0.1", int(port.read_text())), timeout=240)
        self._answers = self._socket.makefile("rb")
        self._read()
        self.send("NewSession", capabilities={})

    def send(self, command: str, **parameters: Any) -> Any:
        answer = self._ask(f"WebDriver:{command}", parameters)
        return answer.get("value") if isinstance(answer, dict) else answer

    def resize(self, width: int, height: int) -> None:
        """The window stays wider than a phone, so what it shows is made narrow."""
        self.send("SetWindowRect", width=max(width, 600), height=height)
        self._in_the_browser_itself(NARROW, f"{width}px")

    def console(self) -> list[str]:
        return list(self._in_the_browser_itself(COMPLAINTS))

    def close(self) -> None:
        try:
            self._ask("Marionette:Quit", {"flags": ["eForceQuit"]})
            self._process.wait(60)
        finally:
            self._answers.close()
            self._socket.close()
            self._process.kill()

    def _in_the_browser_itself(self, script: str, *values: object) -> Any:
        self._ask("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.send("ExecuteScript", script=script, args=list(values))
        finally:
            self._ask("Marionette:SetContext", {"value": "content"})

    def _ask(self, name: str, parameters: dict[str, Any]) -> Any:
        message = json.dumps([0, 1, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, answer = self._read()
        assert error is None, error
        return answer

    def _read(self) -> Any:
        """The next message: its length in bytes, a colon, and JSON."""
        length = b""
        while (letter := self._answers.read(1)) != b":":
            assert letter, "Firefox ended"
            length += letter
        return json.loads(self._answers.read(int(length)))
