"""The rehearsal: what a worker's first visitor would wait for (imports, statements, a connection) is paid at start."""

from __future__ import annotations

import gc
from contextlib import suppress

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from chatbot.chats.asked import Ask
from chatbot.chats.turn import Turns
from chatbot.db import rehearsing
from chatbot.errors import Problem
from chatbot.key.ring import Ring
from chatbot.model.client import Client
from chatbot.money.ledger import Ledger
from chatbot.money.prices import Prices
from chatbot.visitors.access import COOKIE as PASS
from chatbot.visitors.who import COOKIE, Visitor
from chatbot.web.parts import Parts

STAND_IN_URL = "http://tutor.invalid/v1"


def warm_up(app: Flask) -> None:
    """Connect to the upstream, and play two turns with the tutor in its place, if it has not been taken out."""
    house: Parts = app.extensions["turnkey"]
    house.client.warm_up()
    if tutor := app.extensions.get("tutor"):
        _play(house, Client(STAND_IN_URL, "responses", Ring(), tutor(house.guide, words_per_second=0)))
    visitor = app.test_client()
    visitor.set_cookie(COOKIE, house.signer.sign("rehearsal"))  # or it would count as a new visitor
    visitor.set_cookie(PASS, house.access.issue())
    with app.app_context():  # its own, where a first request started this
        visitor.get("/api/me")
        visitor.post("/api/chat", data=b"{}")
    gc.collect()
    gc.freeze()  # what lives now lives for good: the collector need not look at it again,
    gc.set_threshold(10_000)  # nor so often at what a busy worker makes and drops
    gc.enable()  # gunicorn.conf.py has put it off


def _play(house: Parts, client: Client) -> None:
    """Two turns, in a transaction that is undone."""
    ledger = Ledger(house.engine, house.settings, Prices(house.settings, free=True))
    turns = Turns(house.engine, client, ledger, house.settings, house.signer, house.alarms, house.tally)
    with suppress(Problem, SQLAlchemyError), rehearsing(house.engine):  # a limit that is spent, others that write
        if house.limits.in_database:
            house.limits.admit(Visitor("rehearsal", "rehearsal", is_new=True))
        for text in ("Hello", "A question" if house.mode == "tutor" else "Hello"):  # it makes the tutor's index
            turns.rehearse(Ask("rehearsal", "rehearsal", house.settings.openai_model, text=text))
