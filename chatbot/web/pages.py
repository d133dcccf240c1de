"""The pages: the chat, the guide, what browsers and crawlers ask of a site, and whether it is alive and ready."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, abort, current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from chatbot import db
from chatbot.config import ROOT, Settings
from chatbot.money.price_list import price_list
from chatbot.web.allowance import mode
from chatbot.web.assets import ASK_AGAIN, Assets, confirmable
from chatbot.web.calculator import figures
from chatbot.web.guard import STORE_ERRORS
from chatbot.web.parts import parts

pages = Blueprint("pages", __name__)

PICTURES = ROOT / "docs" / "pictures"


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
@pages.get("/guide/<shelf>/<slug>")
def guide(slug: str, shelf: str = "") -> Response:
    """A page of the guide, the lab or the reference, made from the project's own Markdown."""
    if shelf == "pictures":
        return _picture(slug)
    house = parts()
    wanted = f"{shelf}/{slug}" if shelf else slug
    at = next((number for number, page in enumerate(house.guide) if page.slug == wanted), None)
    if at is None:
        abort(404)
    page = house.guide[at]
    calculator = _calculator(house.settings) if page.has_calculator else {}
    return _page(render_template("guide.html", page=page, pages=house.guide, at=at, **calculator))


@pages.get("/manifest.webmanifest")
def manifest() -> Response:
    """What makes the page an app that can be installed, under the site's name."""
    return _page(render_template("manifest.webmanifest"), **{"Content-Type": "application/manifest+json"})


@pages.get("/robots.txt")
def robots() -> Response:
    """What crawlers may read."""
    assets: Assets = current_app.extensions["assets"]
    return assets.answer("robots.txt")


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


def _picture(name: str) -> Response:
    """A drawing that a page of the guide shows."""
    if name not in (path.name for path in PICTURES.glob("*.svg")):
        abort(404)
    return _page((PICTURES / name).read_text(), **{"Content-Type": "image/svg+xml; charset=utf-8"})


def _calculator(settings: Settings) -> dict[str, object]:
    """What the guide's cost calculator needs."""
    models = price_list(settings)
    told = figures(settings, [model.name for model in models])
    return {"models": models, "max_output_tokens": settings.max_output_tokens, "figures": told}


def _page(html: str, **headers: str) -> Response:
    """The same for everybody; browsers keep it, and ask each time whether it still is."""
    return confirmable(Response(html, headers={"Cache-Control": ASK_AGAIN, **headers}))
