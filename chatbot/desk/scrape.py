"""/metrics: the desk's figures for Prometheus, and who may read them."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, current_app, request

from chatbot.config import LOOPBACK
from chatbot.desk import metrics
from chatbot.web.parts import parts

FORM = "text/plain; version=0.0.4; charset=utf-8"
THIS_MACHINE = (*LOOPBACK, "::ffff:127.0.0.1")
THIS_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
scrape = Blueprint("scrape", __name__)


@scrape.get("/metrics")
def read() -> Response:
    """For this machine itself, or by HTTP Basic with the desk's password: each wrong one counts as a try there."""
    if not (_is_from_this_machine() or _gives_password()):
        abort(403)
    return answer()


def answer() -> Response:
    text = metrics.exposition(parts())
    return Response(text, content_type=FORM, headers={"Cache-Control": "no-store"})


def _gives_password() -> bool:
    door = current_app.extensions["desk"]
    try:
        told = request.authorization
    except ValueError:  # Werkzeug decodes it, and fails where a byte of it is not ASCII
        return False
    return bool(door and told and told.type == "basic" and door.knows(told.password or ""))


def _is_from_this_machine() -> bool:
    """Behind a proxy on this machine every peer is local, so then none is taken for local.

    Nor is what was passed on all the same, or asked by another name.
    """
    if parts().settings.trusted_proxies:
        return False
    names = [name.lower() for name, _ in request.headers]
    passed_on = any(name.startswith("x-forwarded-") or name in ("forwarded", "via", "x-real-ip") for name in names)
    return not passed_on and request.remote_addr in THIS_MACHINE and bool(THIS_HOST.fullmatch(request.host.lower()))
