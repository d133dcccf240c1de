"""An operator at the desk, without a browser: a client that sends what a browser does."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.built_app import OWN, PASSWORD


def post(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    return client.post(path, data=typed, headers=OWN)


def enter(client: FlaskClient, password: str = PASSWORD) -> TestResponse:
    return post(client, "/admin/enter", password=password)


def signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert enter(client).status_code == 303
    return client
