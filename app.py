"""The wiring: create_app() builds every part and puts them together."""

from __future__ import annotations

import logging

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from chatbot import db
from chatbot.chats.beat import Beat
from chatbot.chats.turn import Turns
from chatbot.cli import database
from chatbot.config import OPENAI_HOSTS, ROOT, Settings, load_settings
from chatbot.key.source import Key, load_key
from chatbot.logs import set_up_logs
from chatbot.model import guide
from chatbot.model.client import Client
from chatbot.model.transport import Urllib3Transport
from chatbot.model.tutor import TutorTransport
from chatbot.rehearsal import TUTOR_URL, warm_up
from chatbot.signing import load_signer
from chatbot.start import describe
from chatbot.visitors.limits import Limits
from chatbot.web.chat_api import api
from chatbot.web.guard import guard
from chatbot.web.pages import pages
from chatbot.web.parts import Parts

MAX_BODY_BYTES = 4 * 1024 * 1024

log = logging.getLogger("chatbot.start")


def create_app(settings: Settings | None = None) -> Flask:
    """The app. Raises SettingsError when the settings do not allow a start."""
    settings = settings or load_settings()
    set_up_logs(settings)
    signer = load_signer(settings)
    key = load_key(settings, signer)
    engine = db.open_engine(settings)

    app = Flask(__name__, static_folder=ROOT / "static", template_folder=ROOT / "templates")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.cli.add_command(database)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    lessons = guide.load(ROOT / "docs" / "guide")
    client = _client(settings, key, lessons)
    turns = Turns(engine, client, settings, signer, free=key is None)
    app.extensions["turnkey"] = Parts(
        settings=settings,
        signer=signer,
        engine=engine,
        limits=Limits(app, settings, engine),
        turns=turns,
        beat=Beat(engine, turns.live),
        guide=lessons,
        mode="live" if key else "tutor",
        warm_up=lambda: warm_up(app, client, lessons),
    )
    app.before_request(app.extensions["turnkey"].start)
    guard(app)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    for line in describe(settings, key):
        log.info(line)
    return app


def _client(settings: Settings, key: Key | None, lessons: list[guide.Page]) -> Client:
    """OpenAI, a server that speaks as OpenAI does, or, without a key, the tutor."""
    if key is None:
        return Client(TUTOR_URL, "responses", lambda: "none", TutorTransport(lessons))
    transport = Urllib3Transport(settings.openai_base_url)
    plain = settings.upstream_host not in OPENAI_HOSTS
    return Client(settings.openai_base_url, settings.openai_api, key.reveal, transport, plain=plain)
