"""The pages: the chat, the guide, and whether the server is alive and ready."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, redirect, render_template, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from chatbot import db
from chatbot.errors import NotFound
from chatbot.web.guard import STORE_ERRORS
from chatbot.web.parts import parts

pages = Blueprint("pages", __name__)


@pages.get("/")
@pages.get("/c/<chat>")
def chat(chat: str = "") -> str:
    """The chat page; it reads the chat of its address by the API."""
    return render_template("chat.html", chat_id=chat)


@pages.get("/guide/")
def guide_start() -> BaseResponse:
    return redirect(url_for("pages.guide", slug=parts().guide[0].slug))


@pages.get("/guide/<slug>")
def guide(slug: str) -> str:
    """A page of the guide, made from the project's own Markdown."""
    found = next((page for page in parts().guide if page.slug == slug), None)
    if found is None:
        raise NotFound()
    return render_template("guide.html", page=found, pages=parts().guide, html=Markup(found.html))  # noqa: S704 - our own docs, raw HTML disabled


@pages.get("/healthz")
def alive() -> Response:
    return Response(b'{"status":"alive"}', mimetype="application/json")


@pages.get("/readyz")
def ready() -> Response:
    """Ready to answer: the database can be written and the limits' store answers; 503 with the reason otherwise."""
    house = parts()
    for name, check in (("database", lambda: db.check(house.engine)), ("limits store", house.limits.check)):
        try:
            answered = check()
        except (*STORE_ERRORS, OSError):
            answered = False
        if answered is False:
            body = msgspec.json.encode({"status": "not ready", "reason": f"the {name} does not answer"})
            return Response(body, 503, mimetype="application/json")
    return Response(b'{"status":"ready"}', mimetype="application/json")
