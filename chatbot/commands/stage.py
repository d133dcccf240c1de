"""Where the rehearsal plays: the fake OpenAI and this app as processes of their own, in a folder of their own."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import urllib3

from chatbot.commands.processes import START_S, Processes, bare_environment, copy_checkout, free_port
from chatbot.key.credential import Key
from chatbot.signing import Signer

QUESTION = "What is an API key? [fake: tokens 20; delay 5]"
LOOT = "Something long and dear"


class Stage:
    """`key` leaks, `standby` stands by; both are the fake's, made for this rehearsal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._http = urllib3.PoolManager(timeout=START_S, retries=False, maxsize=16)
        self._processes = Processes(folder)
        self._files = {"key": folder / "key", "standby": folder / "standby"}
        self.database = f"sqlite:///{folder}/chat.db"
        self.key = self.standby = ""
        self._secret = secrets.token_urlsafe(32)
        self._signer = Signer(self._secret)

    def open(self) -> None:
        """Start both and wait until the app is ready. Raises TimeoutError or OSError."""
        house = copy_checkout(self._folder / "checkout")
        fake_port, port = free_port(), free_port()
        self._openai, self._app = f"http://127.0.0.1:{fake_port}", f"http://127.0.0.1:{port}"
        bare = bare_environment()
        self._processes.start(["tests/fake_openai.py", "--port", str(fake_port)], house, bare, "fake.log")
        self._processes.wait_for(self._openai + "/_env")
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
        self._processes.start(["-m", "gunicorn"], house, bare | settings, "app.log")
        self._processes.wait_for(self._app + "/readyz")

    def close(self) -> None:
        """End what was started; idle connections first, for which a server would wait."""
        self._http.clear()
        self._processes.end()

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
