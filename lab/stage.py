"""Where the exercises are played: a fake OpenAI, the small apps and this app, as processes in a folder of their own.

None of them gets a variable, a file or a key of the operator's: each app has a key that the fake has made up, and
nothing listens, or calls, beyond this machine.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from chatbot.commands.processes import Processes, bare_environment, copy_checkout, free_port
from chatbot.config import LOOPBACK, ROOT, child_environment
from lab import evidence
from lab.exercises import SPOILING, Exercise

ATTACK_S = 120
BROWSER = ("CHROMIUM", "PLAYWRIGHT_BROWSERS_PATH")  # where an attack finds one


@dataclass(frozen=True)
class App:
    """An app that runs: `log` is its log, `repository` where its source can be cloned from."""

    url: str
    log: Path
    repository: Path
    process: subprocess.Popen[bytes]


class Stage:
    """Starts apps, and ends with itself what still runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes = Processes(folder)
        self._http = urllib3.PoolManager(timeout=100, retries=False)
        self._house = Path()
        self._these: list[tuple[dict[str, str], App]] = []
        self._home = folder / "home"
        self.openai = f"http://127.0.0.1:{free_port()}"

    def open(self) -> None:
        """Start the fake OpenAI. Raises TimeoutError or OSError."""
        self._home.mkdir()
        self._house = copy_checkout(self._folder / "checkout")
        port = str(urlsplit(self.openai).port)
        self._start(["tests/fake_openai.py", "--port", port], self._house, {}, "openai.log")
        self._processes.wait_for(f"{self.openai}/_env")

    def end(self, app: App) -> None:
        """End an app that no other exercise is tried on."""
        if app not in [each for _, each in self._these]:
            self._processes.end(app.process)

    def close(self) -> None:
        self._http.clear()
        self._processes.end()

    def small_app(self, exercise: Exercise, kind: str) -> App:
        """The `broken` app, the `cured` one, or the learner's (`mine`), once it answers. Raises TimeoutError."""
        folder = self._folder / f"{exercise.name}-{kind}"
        folder.mkdir()
        shutil.copyfile(exercise.mine if kind == "mine" else exercise.folder / "app.py", folder / "app.py")
        if kind == "cured":
            alone = self._bare() | {"GIT_CEILING_DIRECTORIES": str(self._folder)}  # of no repository around it
            subprocess.run(["git", "apply", "-p0", exercise.cure], cwd=folder, env=alone, check=True)  # noqa: S603, S607
        app = self._run(["app.py"], folder, "LAB_PORT", {}, folder.name, "/")
        author = exercise.folder / "author.sh"
        if author.exists():
            subprocess.run(["sh", author], cwd=folder, env=self._bare(), check=True)  # noqa: S603, S607
        return app

    def this_app(self, exercise: Exercise) -> App:
        """This app with the settings that the exercise wants, once it is ready. Raises TimeoutError."""
        for settings, app in self._these:
            if settings == exercise.settings and exercise.number not in SPOILING:
                return app
        name = f"this-app-{exercise.number}"
        settings = exercise.settings | {
            "DATABASE_URL": f"sqlite:///{self._folder}/{name}.db",
            "SECRET_KEY": secrets.token_urlsafe(32),
            "OPENAI_TRUSTED_HOSTS": "127.0.0.1",
        }
        app = self._run(["-m", "gunicorn"], self._house, "PORT", settings, name, "/readyz")
        if exercise.number not in SPOILING:
            self._these.append((exercise.settings, app))
        return app

    @contextmanager
    def attack(self, exercise: Exercise, app: App) -> Iterator[subprocess.Popen[str]]:
        """The attack under way, the bill being at zero; its output is to be read."""
        self._control("reset", {})
        browser = {name: value for name, value in child_environment().items() if name in BROWSER}
        environment = bare_environment() | browser | self.clues(app)
        command = [sys.executable, "-u", "-m", f"lab.{exercise.name}.attack", app.url]
        with subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as running:
            try:
                yield running
                running.wait(ATTACK_S)
            finally:
                running.kill()

    def clues(self, app: App) -> dict[str, str]:
        """What the lab tells an attack on an app beside its address."""
        told = {evidence.OPENAI: self.openai, evidence.LOG: app.log, evidence.REPOSITORY: app.repository}
        return {name: str(value) for name, value in told.items()}

    def last_words(self) -> str:
        """The end of what was logged last."""
        logs = sorted(self._folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
        return "\n".join(logs[-1].read_text("utf-8", "replace").splitlines()[-20:]) if logs else ""

    def bill(self) -> float:
        """Dollars since the last attack began."""
        return float(self._control("bill")["nano_dollars"]) / 1e9

    def _run(
        self, command: list[str], folder: Path, port_name: str, settings: dict[str, str], name: str, sign_of_life: str
    ) -> App:
        port, key_file = free_port(), self._folder / f"{name}.key"
        key = self._control("new_key", {})["key"]
        key_file.touch(0o600)
        key_file.write_text(key + "\n")  # as `echo` writes it
        given = {"OPENAI_API_KEY_FILE": str(key_file), "OPENAI_BASE_URL": f"{self.openai}/v1", port_name: str(port)}
        if port_name == "LAB_PORT":
            given["OPENAI_API_KEY"] = key
        process = self._start(command, folder, settings | given, f"{name}.log")
        url = f"http://127.0.0.1:{port}"
        self._processes.wait_for(url + sign_of_life)
        repository = self._repository() if folder == self._house else folder
        return App(url, self._folder / f"{name}.log", repository, process)

    def _start(self, command: list[str], folder: Path, settings: dict[str, str], log: str) -> subprocess.Popen[bytes]:
        upstream = settings.get("OPENAI_BASE_URL", self.openai)
        if urlsplit(upstream).hostname not in LOOPBACK:
            raise ValueError(f"the lab calls nobody beyond this machine, and so not {upstream}")
        return self._processes.start(command, folder, self._bare() | settings, log)

    def _bare(self) -> dict[str, str]:
        return bare_environment() | {"HOME": str(self._home)}

    def _repository(self) -> Path:
        """This checkout or, where it came without a history, one of its files as they are."""
        if (ROOT / ".git").exists():
            return ROOT
        git = ["git", "-C", str(self._house), "-c", "user.name=lab", "-c", "user.email=lab@localhost"]
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "The files"]):
            subprocess.run([*git, *arguments], env=self._bare(), check=True)  # noqa: S603
        return self._house

    def _control(self, name: str, body: dict[str, str] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        return json.loads(self._http.request(method, f"{self.openai}/_{name}", body=json.dumps(body or {})).data)
