"""Where the rehearsal plays: the fake OpenAI and this app as processes of their own, in a folder of their own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import urllib3

from chatbot.config import ROOT, child_environment
from chatbot.key.credential import Key
from chatbot.signing import Signer

START_S = 30
# Of the checkout and of the environment only what the app needs: nothing of the operator's is copied or obeyed.
NEEDED = ("app.py", "gunicorn.conf.py", "chatbot", "templates", "static", "docs/guide", "tests/__init__.py",
          "tests/fake_openai.py", "tests/fake_openai_parts")  # fmt: skip
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
QUESTION = "What is an API key? [fake: tokens 20; delay 5]"
LOOT = "Something long and dear"


class Stage:
    """`key` leaks, `standby` stands by; both are the fake's, made for this rehearsal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._http = urllib3.PoolManager(timeout=START_S, retries=False, maxsize=16)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._files = {"key": folder / "key", "standby": folder / "standby"}
        self.database = f"sqlite:///{folder}/chat.db"
        self.key = self.standby = ""
        self._secret = secrets.token_urlsafe(32)
        self._signer = Signer(self._secret)

    def open(self) -> None:
        """Start both and wait until the app is ready. Raises TimeoutError or OSError."""
        house = self._folder / "checkout"
        for name in NEEDED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            (house / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, house / name)
        fake_port, port = _free_port(), _free_port()
        self._openai, self._app = f"http://127.0.0.1:{fake_port}", f"http://127.0.0.1:{port}"
        bare = {name: value for name, value in child_environment().items() if name in KEPT}
        self._start([sys.executable, "tests/fake_openai.py", "--port", str(fake_port)], house, bare, "fake.log")
        self._wait_for(self._openai + "/_env")
        self.key, self.standby = self._control("env")["OPENAI_API_KEY"], self.new_key()
        self.put(self.key)
        self._write("standby", self.standby)
        settings = {
            "OPENAI_API_KEY_FILE": str(self._files["key"]),
            "OPENAI_API_KEY_STANDBY_FILE": str(self._files["standby"]),
            "OPENAI_BASE_URL": self._openai + "/v1",
            "OPENAI_TRUSTED_HOSTS": "127.0.0.1",
            "DATABASE_URL": self.database,
            "SECRET_KEY": self._secret,
            "PORT": str(port),
            "WEB_CONCURRENCY": "2",
            **dict.fromkeys(("LIMIT_VISITOR", "LIMIT_NETWORK", "LIMIT_SITE", "LIMIT_NEW_VISITORS"), "100000/minute"),
        }
        self._start([sys.executable, "-m", "gunicorn"], house, bare | settings, "app.log")
        self._wait_for(self._app + "/readyz")

    def close(self) -> None:
        """End what was started; idle connections first, for which a server would wait."""
        self._http.clear()
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    def ask_app(self) -> bool:
        """Ask a question as a visitor; was it answered to the end?"""
        message = {"role": "user", "parts": [{"type": "text", "text": QUESTION}]}
        try:
            answer = self._http.request(
                "POST", self._app + "/api/chat", json={"id": secrets.token_hex(12), "messages": [message]}
            )
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200 and b'"type":"finish"' in answer.data

    def ask_openai(self, key: str) -> int:
        """Use a key as a thief would, past the app; the status that OpenAI answers."""
        body = {"model": "gpt-6-luna", "input": LOOT, "stream": True}
        headers = {"Authorization": f"Bearer {key}"}
        return int(self._http.request("POST", self._openai + "/v1/responses", json=body, headers=headers).status)

    def new_key(self) -> str:
        return str(self._control("new_key", {})["key"])

    def revoke(self, key: str) -> None:
        self._control("revoke", {"key": key})

    def put(self, key: str) -> None:
        """Write it where the app's first key is read, whole or not at all."""
        self._write("key", key)

    def serves(self, key: str) -> bool:
        """Was one of the last calls answered to this key?"""
        return any(call["key"] == key and call["status"] == 200 for call in self._calls()[-5:])

    def charged(self, key: str, *, thief_only: bool = False) -> int:
        """Nano-dollars that OpenAI charges for the calls of this key."""
        calls = [call for call in self._calls() if call["key"] == key]
        numbers = {call["number"] for call in calls if not thief_only or call["body"]["input"] == LOOT}
        return sum(line["nano_dollars"] for line in self._control("bill")["lines"] if line["number"] in numbers)

    def name(self, key: str) -> str:
        return f"key {Key(key, 'drill', self._signer).fingerprint}"

    def log(self) -> str:
        return (self._folder / "app.log").read_text()

    def log_tail(self) -> str:
        path = self._folder / "app.log"
        return "\n".join(path.read_text().splitlines()[-20:]) if path.exists() else ""

    def _calls(self) -> list[dict[str, Any]]:
        return [call for call in self._control("requests") if call["api"] == "responses"]

    def _control(self, name: str, body: dict[str, str] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        return json.loads(self._http.request(method, f"{self._openai}/_{name}", body=json.dumps(body or {})).data)

    def _write(self, name: str, key: str) -> None:
        path = self._files[name]
        fresh = path.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_text(key + "\n")
        fresh.rename(path)

    def _start(self, command: list[str], folder: Path, environment: dict[str, str], log: str) -> None:
        with (self._folder / log).open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._processes.append(process)

    def _wait_for(self, url: str) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                if self._http.request("GET", url).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._processes):
                raise TimeoutError(f"{url} did not answer")
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
