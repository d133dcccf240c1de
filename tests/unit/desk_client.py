"""An operator at the desk, without a browser: an app with a password, and a client that sends what a browser does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

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


def post(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    return client.post(path, data=typed, headers=OWN)


def enter(client: FlaskClient, password: str = PASSWORD) -> TestResponse:
    return post(client, "/admin/enter", password=password)


def signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert enter(client).status_code == 303
    return client


def run(app: Flask, statement: str, **values: object) -> None:
    """Change the database behind the app's back."""
    with app.extensions["turnkey"].engine.begin() as connection:
        connection.execute(text(statement), values)


def read(app: Flask, statement: str, **values: object) -> list[tuple[Any, ...]]:
    with app.extensions["turnkey"].engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]
