"""The pages: the chat, the guide, what browsers and crawlers ask of a site, and whether it is alive and ready."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from chatbot import db
from chatbot.web.allowance import mode
from chatbot.web.assets import ASK_AGAIN, Assets, confirmable
from chatbot.web.guard import STORE_ERRORS
from chatbot.web.parts import parts

pages = Blueprint("pages", __name__)


@pages.get("/")
@pages.get("/c/<chat>")
def chat(chat: str = "") -> Response:
    """The chat page; it reads the chat of its address by the API. No search engine should list a chat."""
    house = parts()
    questions = house.settings.suggested_questions
    html = render_template("chat.html", chat_id=chat, mode=house.mode, suggestions=questions)
    return _page(html, **({"X-Robots-Tag": "noindex"} if chat else {}))


@pages.get("/guide/")
def guide_start() -> BaseResponse:
    return redirect(url_for("pages.guide", slug=parts().guide[0].slug))


@pages.get("/guide/<slug>")
def guide(slug: str) -> Response:
    """A page of the guide, made from the project's own Markdown."""
    pages = {page.slug: page for page in parts().guide}
    if slug not in pages:
        abort(404)
    html = Markup(pages[slug].html)  # noqa: S704 - our own docs, raw HTML disabled
    return _page(render_template("guide.html", page=pages[slug], pages=parts().guide, html=html))


@pages.get("/manifest.webmanifest")
@pages.get("/robots.txt")
def site_file() -> Response:
    """What makes the page an app that can be installed, and what crawlers may read."""
    assets: Assets = current_app.extensions["assets"]
    return assets.answer(request.path[1:])


@pages.get("/healthz")
def alive() -> Response:
    return Response(b'{"status":"alive"}', mimetype="application/json")


@pages.get("/readyz")
def ready() -> Response:
    """Ready to answer: database and limits' store can be written, some key is not refused, not paused; else 503."""
    house = parts()
    reason = "the key was refused" if house.ring.is_spent else ""
    if mode() == "paused":
        reason = "paused"
    for name, check in (("limits store", house.limits.check), ("database", lambda: db.check(house.engine))):
        try:
            check()
        except (*STORE_ERRORS, OSError):
            reason = f"the {name} does not answer"
    body = {"status": "not ready", "reason": reason} if reason else {"status": "ready"}
    return Response(msgspec.json.encode(body), 503 if reason else 200, mimetype="application/json")


def _page(html: str, **headers: str) -> Response:
    """The same for everybody; browsers keep it, and ask each time whether it still is."""
    response = Response(html, headers={"Cache-Control": ASK_AGAIN, **headers})
    return confirmable(response)
