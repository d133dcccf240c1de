"""gunicorn: gevent workers that hold thousands of streams, by the same settings as the app."""

import contextlib
import gc
import logging
import os
import resource
import sys
import threading
import time

import gevent
from gunicorn.workers.ggevent import GeventWorker
from sqlalchemy.exc import SQLAlchemyError

from chatbot.alerts.address import check_addresses, load_addresses
from chatbot.config import forget_secrets, load_settings, refuse_open_debugger
from chatbot.errors import SettingsError
from chatbot.key.redact import guard_output, redact
from chatbot.key.source import load_sources
from chatbot.reload import LONGEST_REPLY_S, generation, is_replaced, reload_with_care
from chatbot.signing import load_signer


def check(workers=None, addresses=()):
    """The settings, if they allow a start. Raises SettingsError."""
    settings = load_settings(**({"web_concurrency": workers} if workers else {}))
    signer = load_signer(settings)
    check_addresses(load_addresses(settings, signer))
    if load_sources(settings, signer):
        check_prices(settings)
    for host in (settings.host, *addresses):
        refuse_open_debugger(host)
    return settings


def check_prices(settings):
    """In a child: what knows the prices loads TLS, which gevent must have patched before. Raises SettingsError."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            from chatbot.money.prices import Prices

            try:
                Prices(settings).check()
            except SettingsError as refused:
                os.write(tell, str(refused).encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(told) as lines:
        refused = lines.read().splitlines()
    with contextlib.suppress(ChildProcessError):  # the arbiter may have taken note of its end
        os.waitpid(child, 0)
    if refused:
        raise SettingsError(refused)


guard_output()
try:
    settings = check()
except SettingsError as refused:
    sys.exit(redact(str(refused)))

wsgi_app = "app:create_app()"
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
workers = settings.web_concurrency


class Worker(GeventWorker):
    """A gevent worker that waits neither for a request's body nor for a slow reader for ever."""

    def load_wsgi(self):
        try:
            super().load_wsgi()
        except SettingsError as refused:
            give_up(self, str(refused))

    def handle_request(self, listener_name, req, sock, addr):
        sock.settimeout(IDLE_S)
        super().handle_request(listener_name, req, sock, addr)

    def run(self):
        """Serve; then let replies end that nobody listens to any more, within the time that keep_replies() gives."""
        super().run()
        while self.app.callable.extensions["turnkey"].turns.live:
            self.notify()
            time.sleep(0.2)


worker_class = Worker
worker_connections = 4000
keepalive = 15
timeout = 60  # of a worker that does not even beat; a stream may last far longer
graceful_timeout = 25  # below the 30 s after which platforms kill
IDLE_S = 30  # that a client may take for its next bytes, or to take ours
RETRY_S = 2  # until a worker that could not begin is tried again
KEEPING_S = 5  # of these, to store what live replies have
forwarded_allow_ips = ""  # X-Forwarded-* is the app's to judge: TRUSTED_PROXIES
secure_scheme_headers = {}
limit_request_line = 8190
control_socket_disable = True
proc_name = "turnkey-chat"
spoke = []  # the first worker of these settings tells what the operator should read once

_hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
with contextlib.suppress(ValueError, OSError):  # two files a stream, one at least
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_hard, 65_536) if _hard > 0 else 65_536, _hard))


def on_starting(server):
    """`gunicorn -w 4` counts as WEB_CONCURRENCY=4, and `-b` as HOST. A reload is checked as the start was."""
    told = server.cfg.workers if server.cfg.workers != workers else None

    def check_all():
        check(told, [address[0] for address in server.cfg.address if isinstance(address, tuple)])

    try:
        check_all()
    except SettingsError as refused:
        sys.exit(redact(str(refused)))
    reload_with_care(server, check_all)


def on_reload(server):
    """Do not wait for the workers that are replaced: gunicorn hears no other signal meanwhile."""
    server.patience_s = server.cfg.graceful_timeout
    server.cfg.set("graceful_timeout", 0)


def pre_fork(server, worker):
    worker.speaks = not spoke
    spoke.append(worker.age)


def post_fork(server, worker):
    gc.disable()  # until the rehearsal is over: what a start makes stays, and looking at it again and again costs time
    worker.generation = generation()
    worker.cfg.set("graceful_timeout", getattr(server, "patience_s", worker.cfg.graceful_timeout))
    logging.getLogger("chatbot.start").disabled = not worker.speaks


def post_worker_init(worker):
    """Set up and warm up before the first visitor; tables of another version stop the start."""
    gevent.get_hub().print_exception = log_greenlet
    try:
        worker.app.wsgi().extensions["turnkey"].start()
    except SettingsError as refused:
        give_up(worker, str(refused))
    except SQLAlchemyError as failed:
        give_up(
            worker, f"DATABASE_URL names a database that does not answer or cannot be written: {type(failed).__name__}."
        )
    forget_secrets()
    threading.Thread(target=keep_replies, args=(worker,), daemon=True).start()


def log_greenlet(context, kind, error, trace):
    logging.getLogger("chatbot.defect").critical("a greenlet failed", exc_info=(kind, error, trace))


def keep_replies(worker):
    """Let a stopping worker's replies go on while there is time; keep the rest before gunicorn kills it."""
    while worker.alive:
        time.sleep(0.5)
    began = time.monotonic()
    grace_s = max(0, worker.cfg.graceful_timeout - KEEPING_S)
    while time.monotonic() - began < (LONGEST_REPLY_S if is_replaced(worker.generation) else grace_s):
        if is_replaced(worker.generation):
            worker.cfg.set("graceful_timeout", LONGEST_REPLY_S)
        time.sleep(0.5)
    turns = worker.app.callable.extensions["turnkey"].turns
    turns.beside.close(seconds=1)
    turns.live.close(seconds=3)


def give_up(worker, why):
    """The first workers stop the start; a later one tries again, because the others still serve."""
    sys.stderr.write(redact(why) + "\n")
    if worker.age <= workers:
        sys.exit(4)  # gunicorn's own code for an app that cannot be loaded: it does not try again
    time.sleep(RETRY_S)
    sys.exit(1)


def worker_exit(server, worker):
    """Keep what live replies have, marked interrupted."""
    app = worker.app.callable
    if app is not None:
        turns = app.extensions["turnkey"].turns
        turns.live.close(seconds=3)
        turns.beside.close(seconds=1)
        turns.endings.catch_up()
