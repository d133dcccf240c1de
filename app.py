"""The wiring: create_app() builds every part and puts them together."""

from __future__ import annotations

import gc
import logging
from importlib import import_module

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from chatbot import book, db
from chatbot.alerts.address import check_addresses, load_addresses
from chatbot.alerts.alarm import Alarms
from chatbot.alerts.post import Post
from chatbot.alerts.tally import Tally
from chatbot.chats.asked import Turn
from chatbot.chats.beat import Beat
from chatbot.chats.live import Outcome
from chatbot.chats.turn import Turns
from chatbot.chores import chores, remind
from chatbot.cli import commands
from chatbot.commands.only_setup import only_setup
from chatbot.config import OPENAI_HOSTS, ROOT, Settings, load_settings
from chatbot.errors import Blocked, SettingsError
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
from chatbot.start import App, describe, refuse_debugger_of_this_start, warnings, will_serve
from chatbot.visitors.access import Access
from chatbot.visitors.conduct import misbehaved
from chatbot.visitors.limits import Limits
from chatbot.visitors.who import Visitor
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
        return only_setup(SettingsError([redact(line) for line in refused.lines]))  # one may quote a key


def _build(settings: Settings) -> Flask:
    set_up_logs(settings)
    refuse_debugger_of_this_start(settings)
    app = _bare(settings)
    for name in EXTRAS:
        import_module(name).add_to(app, settings)
    house = app.extensions["turnkey"] = _parts(app, settings)
    house.beat.take_on(chores(house))
    app.before_request(house.start)
    guard(app)
    deliver(app)
    for blueprint in (door, api, history, takeout, pages):
        app.register_blueprint(blueprint)
    app.wsgi_app = Compression(OutgoingGuard(app.wsgi_app, house.alarms))  # type: ignore[method-assign]
    if will_serve():
        for line in describe(settings, house.ring, has_desk="desk" in app.extensions):
            log.info(line)
        for line in warnings(house.ring):
            log.warning(line)
    else:
        gc.freeze()  # or the end of a command would look at all of this once more, a quarter of a second long
    return app


def _bare(settings: Settings) -> Flask:
    """Flask with what it needs to know of the settings, and the commands."""
    app = App(__name__, static_folder=ROOT / "static", template_folder=ROOT / "templates")
    app.url_map.merge_slashes = app.url_map.strict_slashes = False  # else redirects to the host that a request names
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.jinja_env.globals["site_name"] = settings.site_name
    for command in commands:
        app.cli.add_command(command)
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _parts(app: Flask, settings: Settings) -> Parts:
    signer = load_signer(settings)
    engine = db.open_engine(settings)
    alarms, tally = Alarms(engine, clean=redact), Tally(engine)
    addresses = load_addresses(settings, signer)
    if will_serve():
        check_addresses(addresses)
    ring = Ring(load_sources(settings, signer), engine, alarms)
    limits = Limits(app, settings, engine, tally)
    lessons = book.load(ROOT)
    client = _client(app, settings, ring, lessons)
    prices = Prices(settings, free=not ring.sources)
    prices.check()
    vigil = Vigil(engine, settings, alarms)
    ledger = Ledger(engine, settings, prices, vigil)
    turns = Turns(engine, client, ledger, settings, signer, alarms, tally)
    naming = Naming(engine, TitleModel(settings.title_model, turns) if settings.title_model and ring.sources else None)

    def heed_conduct(turn: Turn, outcome: Outcome) -> None:
        """Before the visitor hears of it, and asks again."""
        is_blocked = outcome.problem and outcome.problem["code"] == Blocked.code
        if is_blocked and settings.moderation == "block":
            misbehaved(engine, limits, Visitor(turn.ask.visitor, turn.ask.network, is_new=False))

    turns.endings.on_stored += [naming.by_answer, lambda turn, outcome: index(engine, turn.ask.chat), heed_conduct]
    turns.endings.on_ended.append(naming.by_model)

    def begin() -> None:
        """What is left to do once the tables are there."""
        remind(house)
        warm_up(app)

    house = Parts(
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
    return house


def _client(app: Flask, settings: Settings, ring: Ring, lessons: list[book.Page]) -> Client:
    """OpenAI, a server that speaks as OpenAI does, or, without a key, the tutor. Raises SettingsError without any."""
    tutor = app.extensions.get("tutor")
    if not ring.sources and tutor:
        return Client(STAND_IN_URL, "responses", ring, tutor(lessons))
    if not ring.sources and will_serve():
        raise SettingsError(["OPENAI_API_KEY is not set, and the tutor, which would answer without it, is taken out."])
    transport = Urllib3Transport(settings.openai_base_url)
    plain = settings.upstream_host not in OPENAI_HOSTS
    return Client(settings.openai_base_url, settings.openai_api, ring, transport, plain=plain)
