"""Redaction: takes keys out of what people read, by value and by shape, and puts this filter into Python's logging."""

from __future__ import annotations

import logging
import re
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from chatbot.key.shapes import FOUND, REDACTED, UNSEEN, holds_key
from chatbot.key.watch import watch

MARK = "[key]"
# A JSON web token. Its header is bounded, and nothing is tried twice, so that no text takes long to search.
TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{10,1000}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}")

log = logging.getLogger("chatbot.defect")


def redact(text: str) -> str:
    """The text with keys, pieces of this process's own keys, and tokens replaced by a mark."""
    return _without_own(TOKEN.sub(MARK, REDACTED.sub(MARK, text)))


def without_keys(text: str) -> str:
    """The text as it may be stored: only what a visitor may not send, or this process's own, replaced by a mark."""
    text = FOUND.sub(MARK, text)
    if holds_key(text):  # one that line breaks or unseen characters hide
        text = FOUND.sub(MARK, UNSEEN.sub("", text))
    return _without_own(text)


def _without_own(text: str) -> str:
    for start, end in reversed(watch.find(text)):
        text = text[:start] + MARK + text[end:]
    return text


class RedactedRecord(logging.LogRecord):
    """A log record whose message, traceback and stack hold no key, whichever logger or handler it goes through."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.msg, self.args = self.getMessage(), None  # some handlers, and logging's own of errors, show these as well
        if self.exc_info and self.exc_info[0]:
            self.exc_text = redact(_FORMATTER.formatException(self.exc_info))  # handlers print this as it stands
            self.exc_info = (self.exc_info[0], None, None)  # type: ignore[assignment]  # one that formats anew finds the name alone
        if self.stack_info:
            self.stack_info = redact(self.stack_info)

    def getMessage(self) -> str:
        try:
            return redact(super().getMessage())
        except Exception:  # logging would print the arguments as they are
            with suppress(Exception):
                return redact(f"{self.msg} {self.args}")
            return "a message that cannot be written"


_FORMATTER = logging.Formatter()
_NAMES = vars(logging.makeLogRecord({})).keys()
_make_record = logging.Logger.makeRecord


def guard_output() -> None:
    """Filter all logging of this process, its warnings, and exceptions that nobody caught, unless another tool has
    taken those. Safe to call again."""
    logging.setLogRecordFactory(RedactedRecord)
    logging.Logger.makeRecord = _make_redacted  # type: ignore[method-assign]
    logging.captureWarnings(True)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: _log_uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda told: _log_uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def _make_redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """What a call names as `extra` is put into a record past its class; loggers of JSON print it."""
    record = _make_record(*args, **kwargs)
    for name in vars(record).keys() - _NAMES:
        vars(record)[name] = _redacted(vars(record)[name])
    return record


def _redacted(value: Any) -> Any:
    try:
        said = value if isinstance(value, str) else f"{value} {value!r}"
    except Exception:
        return "a value that cannot be written"
    return value if (clean := redact(said)) == said else clean


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log_uncaught(kind, error, trace)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit):
        log.critical("an exception that nobody caught", exc_info=(kind, error or kind(), trace))
