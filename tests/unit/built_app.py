"""The app without a server: built with a database of its own, which tests read and change behind its back."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from app import create_app
from chatbot import migrate
from chatbot.config import load_settings

PASSWORD = "a horse with a battery"
OWN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


def build(folder: Path, **values: Any) -> Flask:
    """An app whose database is in this folder; its desk is open unless `admin_password` says otherwise."""
    wanted = {"database_url": f"sqlite:///{folder}/chat.db", "admin_password": PASSWORD, **values}
    logger = logging.getLogger("chatbot")
    before = (logger.handlers, logger.propagate)
    app = create_app(load_settings(_env_file=None, **wanted))
    logger.handlers, logger.propagate = before
    return unattended(app)


def unattended(app: Flask) -> Flask:
    """As if it had begun to serve, but its beat does not run: it would go on when the test and its folder are gone."""
    house = app.extensions["turnkey"]
    migrate.prepare(house.engine)
    house._started.set()
    weakref.finalize(app, house.engine.dispose)
    return app


def run(app: Flask, statement: str, **values: object) -> None:
    with app.extensions["turnkey"].engine.begin() as connection:
        connection.execute(text(statement), values)


def read(app: Flask, statement: str, **values: object) -> list[tuple[Any, ...]]:
    with app.extensions["turnkey"].engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]
