"""The desk's addresses: signing in and out, the page and its deeds. Without a session nobody gets past the door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from chatbot.db import now_ms
from chatbot.desk import figures, keys, scrape, shown
from chatbot.desk.deeds import DEEDS, Mistake, short
from chatbot.desk.door import SESSION_S, Door
from chatbot.errors import CrossSite, LimitReached, Problem
from chatbot.key.shapes import holds_key
from chatbot.visitors import blocks
from chatbot.web.parts import parts

COOKIE = "desk"
PATH = "/admin"
DAY_S = 86_400
desk = Blueprint("desk", __name__, url_prefix=PATH)


@desk.before_request
def check() -> BaseResponse | None:
    """Refuse what another site sent, and whoever has no session."""
    if not _is_from_this_page():
        raise CrossSite()
    if request.endpoint in ("desk.entrance", "desk.enter") or _door().is_open(_token()):
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("desk.entrance"), 303)
    return abort(403)


@desk.after_request
def keep_private(response: Response) -> Response:
    """With no referrer at all, browsers send a form's POST with the origin `null`."""
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


@desk.get("/enter")
def entrance() -> str:
    return render_template("desk_enter.html", mistake=None)


@desk.post("/enter")
def enter() -> BaseResponse:
    try:
        is_right = _door().knows(request.form.get("password", ""))
    except LimitReached as locked:
        wait_s = locked.members()["retry_after"]
        words = f"{locked.detail} Try again in {shown.age(1000 * wait_s)}."
        return Response(render_template("desk_enter.html", mistake=words), 429, {"Retry-After": str(wait_s)})
    if not is_right:
        return Response(render_template("desk_enter.html", mistake="That is not the password."), 403)
    response = redirect(url_for("desk.page"), 303)
    response.set_cookie(
        COOKIE, _door().open(), SESSION_S, path=PATH, secure=request.is_secure, httponly=True, samesite="Strict"
    )
    return response


@desk.post("/leave")
def leave() -> BaseResponse:
    _door().close(_token())
    response = redirect(url_for("desk.entrance"), 303)
    response.delete_cookie(COOKIE, path=PATH, secure=request.is_secure, httponly=True, samesite="Strict")
    return response


@desk.get("")
def page() -> str:
    return _page()


@desk.post(f"/<any({', '.join(DEEDS)}):deed>")
def do(deed: str) -> BaseResponse:
    """Do it, or show the page again with what was typed and what is wrong with it."""
    work, _ = DEEDS[deed]
    try:
        work(parts(), request.form)
    except Mistake as mistake:
        return Response(_page(deed, mistake), 422)
    return redirect(url_for("desk.page", done=deed), 303)


@desk.get("/metrics")
def figures_for_prometheus() -> Response:
    """As /metrics, which the session's cookie does not reach."""
    return scrape.answer()


@desk.errorhandler(Problem)
def tell(problem: Problem) -> Response:
    return _failure(problem.status, problem.title, problem.detail)


@desk.errorhandler(SQLAlchemyError)
def tell_of_database(error: SQLAlchemyError) -> Response:
    words = f"It does not answer ({type(error).__name__}). Until it does, nothing is answered and nothing is spent."
    return _failure(503, "The database fails", words)


def _failure(status: int, title: str, detail: str) -> Response:
    return Response(render_template("error.html", status=status, title=title, detail=detail), status)


def _page(deed: str = "", mistake: Mistake | None = None) -> str:
    house, now, typed = parts(), now_ms(), request.form if mistake else {}
    return render_template(
        "desk.html",
        figures=figures.read(house, now),
        keys=keys.states(house),
        blocks=blocks.current(house.engine),
        mode=house.mode,
        shown=shown,
        short=short,
        done=DEEDS.get(request.args.get("done", ""), (None, ""))[1],
        visitor=request.args.get("visitor", ""),
        deed=deed,
        mistake=mistake,
        typed={name: value for name, value in typed.items() if not holds_key(value)},
        tomorrow=f"{datetime.fromtimestamp(now / 1000 + DAY_S, UTC):%Y-%m-%dT%H:%M}",
    )


def _is_from_this_page() -> bool:
    """Only this very site may change anything, or read by a script: not its neighbours, nor ALLOWED_ORIGINS."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_own = origin in (f"http://{request.host}", f"https://{request.host}")
    if request.method in ("GET", "HEAD"):
        return origin is None or is_own
    return site == "same-origin" or (site is None and is_own)


def _door() -> Door:
    return cast(Door, current_app.extensions["desk"])


def _token() -> str:
    return request.cookies.get(COOKIE, "")
