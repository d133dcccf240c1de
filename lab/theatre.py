"""Opens a stage in a folder that goes with it, and clears it whatever happens: an error, Ctrl-C or SIGTERM."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatbot.config import ROOT
from lab.stage import Stage

NEEDED = ("git",)  # it applies the cures


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage with a fake OpenAI on it. Exits with 1, and says why, when something does not start."""
    if not (ROOT / "tests" / "fake_openai.py").exists():
        sys.exit("The lab needs tests/fake_openai.py of the checkout, which is not here.")
    for tool in NEEDED:
        if not shutil.which(tool):
            sys.exit(f"The lab needs {tool}, which is not installed here. Please install it, and start again.")
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell turns off for what runs behind it
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    stage = Stage(folder)
    try:
        stage.open()
        yield stage
    except (TimeoutError, OSError) as failed:
        click.echo(f"FAILED: {type(failed).__name__}: {failed}\n{stage.last_words()}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nEnded.")
        sys.exit(130)
    finally:
        stage.close()
        shutil.rmtree(folder, ignore_errors=True)
