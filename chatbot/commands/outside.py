"""`flask doctor --url`: what anybody can see of a deployed server, and must not."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import urllib3

from chatbot.commands.report import Report
from chatbot.config import LOOPBACK
from chatbot.key.shapes import holds_key

PATIENCE_S = 10
HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")
DEBUGGER = "/?__debugger__=yes&cmd=resource&f=debugger.js"
# What a browser is never to be given, and signs that it was.
SECRET_PATHS = ("/.env", "/.git/config", "/instance/secret_key", "/console", DEBUGGER)
SIGNS = re.compile(rb"OPENAI_API_KEY|\[core\]|Werkzeug|__debugger__|openConsole")


def report_outside(report: Report, url: str) -> None:
    """Is the server reached over TLS, ready, guarded by its headers, and silent about what is secret?"""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        report.wrong(f"{url} is not an address", "flask doctor --url https://chat.example.org")
        return
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        report.wrong("the address is not https: what visitors write can be read on the way", "serve it over TLS")
    http = urllib3.PoolManager(timeout=PATIENCE_S, retries=False)
    try:
        page = http.request("GET", urljoin(url, "/"))
        ready = http.request("GET", urljoin(url, "/readyz"))
        scripts = re.findall(r'src="([^"]+\.js)"', page.data.decode("utf-8", "replace"))
        texts = [page.data, *(http.request("GET", urljoin(url, script)).data for script in scripts)]
        open_paths = [path for path in SECRET_PATHS if _tells(http.request("GET", urljoin(url, path)))]
    except urllib3.exceptions.HTTPError as error:
        report.wrong(f"{url} does not answer: {type(error).__name__}", "start the server, check address and TLS")
        return
    if ready.status == 200:
        report.right(f"{parts.hostname} is ready")
    else:
        report.wrong(f"{parts.hostname} is not ready ({ready.status})", "its /readyz says why; `flask doctor` there")
    missing = [name for name in HEADERS if name not in page.headers]
    if parts.scheme == "https" and "Strict-Transport-Security" not in page.headers:
        missing.append("Strict-Transport-Security (is TRUSTED_PROXIES set?)")
    if missing:
        report.wrong(f"the page comes without {', '.join(missing)}", "let no proxy take headers away")
    else:
        report.right("the page carries its security headers")
    if any(holds_key(text.decode("utf-8", "replace")) for text in texts):
        report.wrong("the page or a script holds something shaped like a key", "revoke it: docs/guide/if-it-leaks.md")
    else:
        report.right(f"neither the page nor its {len(scripts)} scripts hold anything shaped like a key")
    if open_paths:
        report.wrong(f"the server tells what it must not: {', '.join(open_paths)}", "unset FLASK_DEBUG; serve no files")
    else:
        report.right("neither .env nor .git nor a debugger is served")


def _tells(answer: urllib3.BaseHTTPResponse) -> bool:
    return answer.status == 200 and bool(SIGNS.search(answer.data))
