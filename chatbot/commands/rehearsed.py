"""The rehearsal of a leak: this app, visitors who chat, a thief and a fake OpenAI, in processes and threads.

The app runs from a copy of the checkout without its `.env`, so no setting and no key of the operator's is touched.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import urllib3

from chatbot.commands.stage import Stage
from chatbot.config import ROOT, Settings
from chatbot.db import open_engine
from chatbot.money import usage

VISITORS = 4
PATIENCE_S = 20
TALK_S = 1.0  # of visitors' talk with each key


class Rehearsal:
    """Plays the seven steps and says how long each took. Good when no visitor noticed anything."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._answers: list[bool] = []
        self._over = threading.Event()

    def run(self) -> bool:
        """True when every step worked and no turn failed."""
        if not (ROOT / "tests" / "fake_openai.py").exists():
            click.echo("The rehearsal needs tests/fake_openai.py of the checkout, which is not here.", err=True)
            return False
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
        folder = Path(tempfile.mkdtemp(prefix="drill-"))
        stage = Stage(folder)
        try:
            self._say("setting up: a fake OpenAI, and this app with a key and one that stands by")
            stage.open()
            return self._play(stage)
        except (TimeoutError, OSError, urllib3.exceptions.HTTPError) as failed:
            self._say(f"FAILED: {type(failed).__name__}: {failed}")
            click.echo(stage.log_tail(), err=True)
            return False
        finally:
            self._over.set()
            stage.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _play(self, stage: Stage) -> bool:
        visitors = [threading.Thread(target=self._chat, args=(stage,), daemon=True) for _ in range(VISITORS)]
        for visitor in visitors:
            visitor.start()
        old, standby = stage.key, stage.standby
        self._wait(lambda: stage.serves(old), "the first answers")
        self._say(f"visitors chat; {stage.name(old)} serves")
        time.sleep(TALK_S)

        stolen = [stage.ask_openai(old) for _ in range(3)]
        self._say(f"the key leaks: a thief uses it {stolen.count(200)} times")
        revoked = time.monotonic()
        stage.revoke(old)
        self._wait(lambda: stage.serves(standby), "the key that stands by")
        over_s = time.monotonic() - revoked
        self._say(f"revoked at OpenAI; {stage.name(standby)}, which stood by, serves {over_s:.1f} s later")

        time.sleep(TALK_S)
        placed = time.monotonic()
        new = stage.new_key()
        stage.put(new)
        self._wait(lambda: stage.serves(new), "the new key")
        taken_s = time.monotonic() - placed
        self._say(f"a new key is put in place; {stage.name(new)} serves {taken_s:.1f} s later, without a restart")
        is_dead = stage.ask_openai(old) == 401
        self._say("the old key is dead: the thief gets a 401" if is_dead else "FAILED: the old key still works")
        time.sleep(TALK_S)

        self._over.set()
        for visitor in visitors:
            visitor.join(PATIENCE_S)
        tells = self._tell_usage(stage)
        failed = self._answers.count(False)
        alarms = stage.log().count("ALERT: OpenAI refused key")
        self._say(f"done: {len(self._answers)} answers, {failed} failed; the operator was alerted {alarms} time(s)")
        return is_dead and tells and not failed and alarms == 1

    def _tell_usage(self, stage: Stage) -> bool:
        """The app's ledger of the leaked key against what OpenAI charges for it."""
        engine = open_engine(Settings.model_construct(database_url=stage.database))
        ours = usage.of_key(engine, stage.name(stage.key).split()[-1], 0)
        engine.dispose()
        charged = stage.charged(stage.key)
        others = charged - ours.cost_nano
        self._say(
            f"usage of the leaked key: OpenAI charges ${charged / 1e9:.6f}, this app's ledger says "
            f"${ours.cost_nano / 1e9:.6f} for {ours.attempts} calls: ${others / 1e9:.6f} is the thief's"
        )
        return others == stage.charged(stage.key, thief_only=True)

    def _chat(self, stage: Stage) -> None:
        while not self._over.is_set():
            self._answers.append(stage.ask_app())
            time.sleep(0.05)

    def _wait(self, came: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not came():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {PATIENCE_S} s")
            time.sleep(0.05)

    def _say(self, line: str) -> None:
        click.echo(f"{time.monotonic() - self._began:6.1f} s  {line}")
