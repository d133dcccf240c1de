"""gunicorn: gevent workers that hold thousands of streams, by the same settings as the app."""

import contextlib
import logging
import resource
import sys
import threading
import time

from gunicorn.workers.ggevent import GeventWorker
from sqlalchemy.exc import SQLAlchemyError

from chatbot.config import load_settings
from chatbot.errors import SettingsError
from chatbot.key.source import load_key
from chatbot.signing import load_signer

try:
    settings = load_settings()
    load_key(settings, load_signer(settings))
except SettingsError as refused:
    sys.exit("\n".join(refused.lines))

wsgi_app = "app:create_app()"
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
workers = settings.web_concurrency


class Worker(GeventWorker):
    """A gevent worker that waits neither for a request's body nor for a slow reader for ever."""

    def handle_request(self, listener_name, req, sock, addr):
        sock.settimeout(IDLE_S)
        super().handle_request(listener_name, req, sock, addr)


worker_class = Worker
worker_connections = 4000
keepalive = 15
timeout = 60  # of a worker that does not even beat; a stream may last far longer
graceful_timeout = 25  # below the 30 s after which platforms kill
IDLE_S = 30  # that a client may take for its next bytes, or to take ours
KEEPING_S = 5  # of these, to store what live replies have
forwarded_allow_ips = ""  # X-Forwarded-* is the app's to judge: TRUSTED_PROXIES
secure_scheme_headers = {}
limit_request_line = 8190
control_socket_disable = True
proc_name = "turnkey-chat"

_hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
with contextlib.suppress(ValueError, OSError):  # two files a stream, one at least
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_hard, 65_536) if _hard > 0 else 65_536, _hard))


def on_starting(server):
    """`gunicorn -w 4` counts as WEB_CONCURRENCY=4."""
    try:
        load_settings(web_concurrency=server.cfg.workers)
    except SettingsError as refused:
        sys.exit("\n".join(refused.lines))


def post_fork(server, worker):
    """Only the first worker tells what the operator should read once."""
    logging.getLogger("chatbot.start").disabled = worker.age > 1


def post_worker_init(worker):
    """Set up and warm up before the first visitor; tables of another version stop the start."""
    try:
        worker.app.wsgi().extensions["turnkey"].start()
    except SettingsError as refused:
        give_up("\n".join(refused.lines))
    except SQLAlchemyError as failed:
        give_up(f"DATABASE_URL names a database that does not answer or cannot be written: {type(failed).__name__}.")

    threading.Thread(target=keep_replies, args=(worker,), daemon=True).start()


def keep_replies(worker):
    """Let a stopping worker's replies go on while there is time; keep the rest before gunicorn kills it."""
    while worker.alive:
        time.sleep(0.5)
    time.sleep(max(0, worker.cfg.graceful_timeout - KEEPING_S))
    worker.app.callable.extensions["turnkey"].turns.live.close(seconds=3)


def give_up(why):
    sys.stderr.write(why + "\n")
    sys.exit(4)  # gunicorn's own code for an app that cannot be loaded: it does not try again


def worker_exit(server, worker):
    """Keep what live replies have, marked interrupted."""
    app = worker.app.callable
    if app is not None:
        app.extensions["turnkey"].turns.live.close(seconds=3)
