"""The app without a server: built with a database of its own, which tests read and change behind its back."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from app import create_app
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
    app.test_client().get("/healthz")  # makes the tables
    return app


def run(app: Flask, statement: str, **values: object) -> None:
    with app.extensions["turnkey"].engine.begin() as connection:
        connection.execute(text(statement), values)


def read(app: Flask, statement: str, **values: object) -> list[tuple[Any, ...]]:
    with app.extensions["turnkey"].engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]
