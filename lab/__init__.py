"""The lab: apps that are broken on purpose, their attacks and cures. To do without: delete it and app.py's line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # attacks come by here, and start in a moment without the app
    from flask import Flask

    from chatbot.config import Settings


def add_to(app: Flask, settings: Settings) -> None:
    """Add `flask lab`."""
    from lab.commands import lab

    app.cli.add_command(lab)
