"""Log lines, as text or JSON; what they may say of a key is decided in chatbot/key/redact.py."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from chatbot.config import Settings
from chatbot.key.redact import guard_output, redact


class Formatter(logging.Formatter):
    """One line for people or one JSON object for machines; redacted once more, as a whole."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._as_json = settings.log_format == "json"

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._json(record) if self._as_json else super().format(record))

    def _json(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(settings: Settings) -> None:
    """Send the app's log lines to standard error, and guard all others. Calling it again replaces the handler."""
    guard_output()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(settings))
    logger = logging.getLogger("chatbot")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
