"""Whatever this process writes of its own accord holds no key: any logger, warnings, exceptions that nobody caught."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatbot.key.redact import redact
from chatbot.key.watch import watch
from tests.fake_openai import make_key

ROOT = Path(__file__).resolve().parents[2]
PRELUDE = """
import logging, sys, threading, warnings
from chatbot.key.redact import guard_output
from chatbot.key.watch import watch
key = sys.stdin.read()
watch.add(key)
guard_output()
"""
WAYS = {
    "a logger of a library": "logging.basicConfig(level=1); logging.getLogger('urllib3').debug('sent %s', key)",
    "a record's dictionary": "logging.basicConfig(); logging.error('%(key)s', {'key': key})",
    "a traceback": """
logging.basicConfig()
try:
    raise ValueError('bad header ' + key)
except ValueError:
    logging.exception('failed')""",
    "the cause of an exception": """
logging.basicConfig()
try:
    try:
        raise ValueError(key)
    except ValueError as error:
        raise RuntimeError('outer') from error
except RuntimeError:
    logging.getLogger('gunicorn.error').exception('failed')""",
    "a stack": "logging.basicConfig(); [logging.error('x', stack_info=True) for key_ in [key]]",
    "a warning": "logging.basicConfig(); warnings.warn('odd: ' + key)",
    "a logger that nobody set up": "logging.getLogger('lost').error(key)",
    "an exception at the top": "raise RuntimeError(key)",
    "an exception in a thread": "thread = threading.Thread(target=lambda: int(key)); thread.start(); thread.join()",
    "an exception in a destructor": """
class Odd:
    def __del__(self):
        raise RuntimeError(key)
Odd()""",
    "a message that does not fit its arguments": "logging.basicConfig(); logging.error('status %d', key)",
    "an argument that cannot be written": """
class Odd:
    def __repr__(self):
        raise RuntimeError(key)
logging.basicConfig()
logging.error('sent %s %s', key, Odd())""",
    "a handler that fails": """
class Failing(logging.StreamHandler):
    def format(self, record):
        raise UnicodeError
logging.basicConfig(handlers=[Failing()])
logging.error('sent %s', key)""",
    "a handler that takes a record apart": """
class Curious(logging.Handler):
    def emit(self, record):
        print(record.msg, record.args)
logging.basicConfig(handlers=[Curious()])
logging.error('sent %s', key)""",
    "what a logger of JSON prints beside the message": """
class Json(logging.Formatter):
    def format(self, record):
        return str(vars(record))
logging.basicConfig()
logging.root.handlers[0].setFormatter(Json())
class Odd:
    def __repr__(self):
        raise RuntimeError(key)
extra = {'sent': key, 'headers': {'authorization': key.encode()}, 'error': ValueError(key), 'odd': Odd()}
logging.LoggerAdapter(logging.getLogger('json'), extra).error('sent')""",
    "halves": "logging.basicConfig(); logging.error('%s and %s', key[: len(key) // 2], key[len(key) // 2 :])",
    "bytes": "logging.basicConfig(); logging.error('%r', key.encode())",
    "base64": "import base64; logging.basicConfig(); logging.error(base64.b64encode(key.encode()).decode())",
}


@pytest.mark.parametrize("shape", ["openai", "other"])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_is_written_holds_the_key(way: str, shape: str) -> None:
    key = make_key() if shape == "openai" else "k7" + make_key("")[20:].lower()
    ran = subprocess.run(
        [sys.executable, "-c", PRELUDE + WAYS[way]], input=key, cwd=ROOT, capture_output=True, text=True, check=False
    )
    written = ran.stdout + ran.stderr
    assert written.strip(), "it was written"
    half = len(key) // 2
    for piece in (key, key[:half], key[half:], key[::-1]):
        assert piece not in written
    assert "[key]" in written or way in ("a stack", "an argument that cannot be written")


@pytest.mark.parametrize("way", ["a logger of a library", "an exception at the top", "a warning"])
def test_without_the_guard_the_key_is_written(way: str) -> None:
    key = make_key()
    code = (PRELUDE + WAYS[way]).replace("guard_output()\n", "", 1)
    ran = subprocess.run([sys.executable, "-c", code], input=key, cwd=ROOT, capture_output=True, text=True, check=False)
    assert key in ran.stdout + ran.stderr


def test_redaction_keeps_everything_else() -> None:
    key = make_key()
    watch.add(other := "Wv3" + "xY9zQ1rT5uI7")
    token = "eyJ" + "a" * 20 + ".eyJ" + "b" * 40 + "." + "c" * 30
    assert redact(f"a {key}, b {other}; c {token}!") == "a [key], b [key]; c [key]!"


@pytest.mark.parametrize("piece", ["eyJ", "eyJ" * 300 + "." + "a" * 9000 + "!", "eyJ" * 300 + ".", "sk-"])
def test_no_text_takes_long_to_be_redacted(piece: str) -> None:
    text = (piece * (262_144 // len(piece) + 1))[:262_144]
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 3
