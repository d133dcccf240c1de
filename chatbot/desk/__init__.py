"""The operator's desk at /admin and /metrics. To do without: delete this room, its templates and app.py's line.

To read in this order: routes, door, tries, deeds; figures, charts, shown, keys; scrape, metrics.
"""

from __future__ import annotations

from flask import Flask

from chatbot.config import Settings
from chatbot.desk import routes, scrape
from chatbot.desk.door import Door


def add_to(app: Flask, settings: Settings) -> None:
    """Put the desk into an app. Without ADMIN_PASSWORD there is no /admin, and /metrics is for this machine alone."""
    password = settings.admin_password
    app.extensions["desk"] = Door(password.get_secret_value()) if password else None
    app.register_blueprint(scrape.scrape)
    if password:
        app.register_blueprint(routes.desk)
