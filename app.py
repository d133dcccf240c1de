"""The wiring: create_app() builds every part and puts them together."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

import httpx2
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from chatbot import book, db
from chatbot.alerts.address import check_addresses, load_addresses
from chatbot.alerts.alarm import Alarms
from chatbot.alerts.post import Post
from chatbot.alerts.tally import Tally
from chatbot.chats.beat import Beat
from chatbot.chats.turn import Turns
from chatbot.chores import chores, remind
from chatbot.cli import commands
from chatbot.commands.only_setup import only_setup
from chatbot.config import OPENAI_HOSTS, ROOT, Settings, load_settings, refuse_open_debugger
from chatbot.errors import SettingsError
from chatbot.history.naming import Naming
from chatbot.history.passages import index
from chatbot.history.title_model import TitleModel
from chatbot.key.redact import redact
from chatbot.key.ring import Ring
from chatbot.key.source import load_sources
from chatbot.logs import set_up_logs
from chatbot.model.client import Client
from chatbot.model.transport import Urllib3Transport
from chatbot.money.ledger import Ledger
from chatbot.money.prices import Prices
from chatbot.money.vigil import Vigil
from chatbot.rehearsal import STAND_IN_URL, warm_up
from chatbot.signing import load_signer
from chatbot.start import describe, refuse_debugger_of_this_start, warnings, will_serve
from chatbot.visitors.access import Access
from chatbot.visitors.limits import Limits
from chatbot.web.assets import deliver
from chatbot.web.chat_api import api
from chatbot.web.compression import Compression
from chatbot.web.enter import door
from chatbot.web.guard import guard
from chatbot.web.history_api import history
from chatbot.web.outgoing import OutgoingGuard
from chatbot.web.pages import pages
from chatbot.web.parts import Parts
from chatbot.web.takeout_api import takeout

# Rooms that can be taken out: a line here, and the files that docs/make-it-yours.md names with it.
EXTRAS: tuple[str, ...] = (
    "chatbot.desk",
    "chatbot.tutor",
    "lab",
)
MAX_BODY_BYTES = 4 * 1024 * 1024

log = logging.getLogger("chatbot.start")


def create_app(settings: Settings | None = None) -> Flask:
    """The app. Raises SettingsError when the settings do not allow a start, except to `flask setup`."""
    try:
        return _build(settings or load_settings())
    except SettingsError as refused:
        return only_setup(refused)


def _build(settings: Settings) -> Flask:
    set_up_logs(settings)
    refuse_debugger_of_this_start(settings)
    signer = load_signer(settings)
    engine = db.open_engine(settings)
    alarms, tally = Alarms(engine, clean=redact), Tally(engine)
    addresses = load_addresses(settings, signer)
    if will_serve():
        check_addresses(addresses)
    ring = Ring(load_sources(settings, signer), engine, alarms)

    app = App(__name__, static_folder=ROOT / "static", template_folder=ROOT / "templates")
    app.url_map.merge_slashes = app.url_map.strict_slashes = False  # else redirects to the host that a request names
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.jinja_env.globals["site_name"] = settings.site_name
    for command in commands:
        app.cli.add_command(command)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    for name in EXTRAS:
        import_module(name).add_to(app, settings)

    limits = Limits(app, settings, engine, tally)
    lessons = book.load(ROOT)
    tutor = app.extensions.get("tutor")
    stand_in = tutor(lessons) if tutor else None
    client = _client(settings, ring, stand_in)
    prices = Prices(settings, free=not ring.sources)
    prices.check()
    vigil = Vigil(engine, settings, alarms)
    ledger = Ledger(engine, settings, prices, vigil)
    turns = Turns(engine, client, ledger, settings, signer, alarms, tally)
    named_by = settings.title_model if ring.sources else None
    titles = TitleModel(named_by, engine, client, ledger, signer, alarms, turns.beside) if named_by else None
    naming = Naming(engine, titles)
    turns.endings.on_stored.append(naming.by_answer)
    turns.endings.on_stored.append(lambda turn, outcome: index(engine, turn.ask.chat))
    turns.endings.on_ended.append(naming.by_model)

    def begin() -> None:
        """What is left to do once the tables are there."""
        remind(house)
        warm_up(app, client, tutor(lessons, 0) if tutor else None)

    house = app.extensions["turnkey"] = Parts(
        settings=settings,
        signer=signer,
        engine=engine,
        ring=ring,
        alarms=alarms,
        tally=tally,
        post=Post(engine, addresses),
        vigil=vigil,
        client=client,
        limits=limits,
        access=Access(settings, signer, limits),
        ledger=ledger,
        turns=turns,
        beat=Beat(engine, turns.live, ledger),
        guide=lessons,
        mode="live" if ring.sources else "tutor",
        begin=begin,
    )
    house.beat.take_on(chores(house))
    app.before_request(house.start)
    guard(app)
    deliver(app)
    app.register_blueprint(door)
    app.register_blueprint(api)
    app.register_blueprint(history)
    app.register_blueprint(takeout)
    app.register_blueprint(pages)
    app.wsgi_app = Compression(OutgoingGuard(app.wsgi_app, alarms))  # type: ignore[method-assign]
    if will_serve():
        for line in describe(settings, ring, has_desk="desk" in app.extensions):
            log.info(line)
        for line in warnings(ring):
            log.warning(line)
    return app


class App(Flask):
    """Flask, but the debugger, which lets whoever sees it run code beside the key, never leaves this machine."""

    def run(
        self, host: str | None = None, port: int | None = None, debug: bool | None = None, *rest: Any, **more: Any
    ) -> None:
        named = str(self.config.get("SERVER_NAME") or "127.0.0.1").partition(":")[0]
        refuse_open_debugger(host or named, bool(debug or self.debug or more.get("use_debugger")))
        super().run(host, port, debug, *rest, **more)


def _client(settings: Settings, ring: Ring, stand_in: httpx2.BaseTransport | None) -> Client:
    """OpenAI, a server that speaks as OpenAI does, or, without a key, the tutor. Raises SettingsError without any."""
    if not ring.sources and stand_in:
        return Client(STAND_IN_URL, "responses", ring, stand_in)
    if not ring.sources and will_serve():
        raise SettingsError(["OPENAI_API_KEY is not set, and the tutor, which would answer without it, is taken out."])
    transport = Urllib3Transport(settings.openai_base_url)
    plain = settings.upstream_host not in OPENAI_HOSTS
    return Client(settings.openai_base_url, settings.openai_api, ring, transport, plain=plain)
