"""The tutor, which answers where there is no key. To do without: delete this room and app.py's line."""

from __future__ import annotations

from flask import Flask

from chatbot.config import Settings
from chatbot.tutor.transport import TutorTransport


def add_to(app: Flask, settings: Settings) -> None:
    """Stand in for OpenAI, should no key be set."""
    app.extensions["tutor"] = TutorTransport
