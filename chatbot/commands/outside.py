"""`flask doctor --url`: what anybody can see of a deployed server, and must not."""

from __future__ import annotations

import re
import signal
import time
from urllib.parse import urljoin, urlsplit

import urllib3

from chatbot.commands.report import Report
from chatbot.config import LOOPBACK
from chatbot.key.shapes import holds_key

PATIENCE_S = 10
MOST_S = 60  # in all
MOST_BYTES = 4 * 1024 * 1024  # of one file
MOST_SCRIPTS = 200
HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")
DEBUGGER = "/?__debugger__=yes&cmd=resource&f=debugger.js"
# What a browser is never to be given, and signs that it was.
SECRET_PATHS = ("/.env", "/.git/config", "/instance/secret_key", "/console", DEBUGGER)
SIGNS = re.compile(r"OPENAI_API_KEY|\[core\]|Werkzeug|__debugger__|openConsole")
SCRIPT = re.compile(r"""(?:src=|from\s*|import\s*\(?)["']([^"']+\.js)["']""")


class Site:
    """A server as a stranger sees it: follows no redirect, and waits and reads no more than it must."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(timeout=PATIENCE_S, retries=False)

    def get(self, path: str) -> tuple[int, urllib3.HTTPHeaderDict, str]:
        """Status, headers and text, of which no more than MOST_BYTES. Raises urllib3's HTTPError."""
        answer = self._http.request("GET", urljoin(self._url, path), preload_content=False)
        data, deadline = b"", time.monotonic() + PATIENCE_S
        while len(data) < MOST_BYTES and time.monotonic() < deadline and (more := answer.read1(65_536)):
            data += more
        answer.close()
        return answer.status, answer.headers, data.decode("utf-8", "replace")

    def scripts(self, page: str) -> dict[str, str]:
        """The scripts of this site that a page loads, and those that they import, by path."""
        found: dict[str, str] = {}
        wanted = [urljoin("/", path) for path in SCRIPT.findall(page)]
        while wanted and len(found) < MOST_SCRIPTS:
            path = wanted.pop()
            if path not in found and path.startswith("/") and not path.startswith("//"):
                found[path] = self.get(path)[2]
                wanted += [urljoin(path, name) for name in SCRIPT.findall(found[path])]
        return found


def report_outside(report: Report, url: str) -> None:
    """Is the server reached over TLS, ready, guarded by its headers, and silent about what is secret?"""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        report.wrong("that is not an address", "flask doctor --url https://chat.example.org")
        return
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        report.wrong("the address is not https: what visitors write can be read on the way", "serve it over TLS")
    site = Site(url)
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(MOST_S)
    try:
        status, headers, page = site.get("/")
        ready = site.get("/readyz")[0]
        scripts = site.scripts(page)
        told = [path for path in SECRET_PATHS if _tells(*site.get(path))]
    except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
        report.wrong(f"{parts.hostname} does not answer: {type(error).__name__}", "start it; check address and TLS")
        return
    finally:
        signal.alarm(0)
    _report_headers(report, headers, is_secure=parts.scheme == "https")
    if status != 200:
        report.wrong(f"the page answers {status}", "give the address at which visitors open it")
    if ready == 200:
        report.right(f"{parts.hostname} is ready")
    else:
        report.wrong(f"{parts.hostname} is not ready ({ready})", "its /readyz says why; `flask doctor` there")
    leaky = [path for path, text in {"the page": page, **scripts}.items() if holds_key(text)]
    if leaky:
        report.wrong(f"something shaped like a key is in {', '.join(leaky)}", "revoke it: docs/guide/if-it-leaks.md")
    else:
        report.right(f"neither the page nor its {len(scripts)} scripts hold anything shaped like a key")
    if told:
        report.wrong(f"the server tells what it must not: {', '.join(told)}", "unset FLASK_DEBUG; serve no files")
    else:
        report.right("neither .env nor .git nor a debugger is served")


def _out_of_time(*_: object) -> None:
    raise TimeoutError


def _report_headers(report: Report, headers: urllib3.HTTPHeaderDict, is_secure: bool) -> None:
    missing = [name for name in HEADERS if name not in headers]
    if is_secure and "Strict-Transport-Security" not in headers:
        missing.append("Strict-Transport-Security (is TRUSTED_PROXIES set?)")
    if missing:
        report.wrong(f"the page comes without {', '.join(missing)}", "let no proxy take headers away")
    else:
        report.right("the page carries its security headers")


def _tells(status: int, headers: urllib3.HTTPHeaderDict, text: str) -> bool:
    """Is this a file, or the debugger, and not one of the app's own pages?"""
    is_page = headers.get("Content-Type", "").startswith("text/html")
    return status == 200 and (bool(SIGNS.search(text)) or not is_page)
