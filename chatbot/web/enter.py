"""The door: where the access code is asked for, given, and exchanged for a pass."""

from __future__ import annotations

import math
import re

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from chatbot.errors import AccessRequired, LimitReached, Problem
from chatbot.web.cors import reach
from chatbot.web.parts import parts, visitor

door = Blueprint("door", __name__)

LOCAL = re.compile(r"/(?!/)[\w.~/-]*", re.ASCII)  # nothing in it leads a browser to another site
# Over plain HTTP there is no Sec-Fetch-Site, and a form's POST names its origin only where the page's policy allows it.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
SITE = ("static", "manifest.webmanifest", "robots.txt")  # files, the same for everybody
OPEN = ("enter", *SITE, "healthz", "readyz", "metrics", "guide", "admin")  # the last is guarded by a password


@door.before_app_request
def ask_for_code() -> BaseResponse | None:
    """Before each request: without a pass only OPEN is served. A page leads to the door, all else is refused."""
    if request.path.split("/")[1] in OPEN or parts().access.admits(request):
        return None
    if request.path.startswith("/api/") or request.method not in ("GET", "HEAD"):
        raise AccessRequired()
    return redirect(url_for("door.ask", next=request.path))


@door.get("/enter")
def ask() -> BaseResponse:
    onward = _local(request.args.get("next", ""))
    return redirect(onward) if parts().access.admits(request) else _page(onward)


@door.post("/enter")
def give() -> BaseResponse:
    """The form's answer is a page; another front end, or a program, gets 204 or a problem, and the same cookie."""
    house, onward = parts(), _local(request.form.get("next", ""))
    is_form = "text/html" in request.headers.get("Accept", "")
    response = redirect(onward, 303) if is_form else Response(status=204)
    if house.access.is_open:
        return response
    try:
        house.access.enter(request.form.get("code", ""), visitor().network)
    except (AccessRequired, LimitReached) as problem:
        if is_form:
            return _page(onward, problem)
        raise
    house.access.hand_over(response, **reach())
    return response


def _page(onward: str, problem: Problem | None = None) -> Response:
    wait_s = problem.members().get("retry_after") if problem else None
    minutes = math.ceil(wait_s / 60) if wait_s else None
    html = render_template("enter.html", onward=onward, problem=problem, minutes=minutes)
    response = Response(html, problem.status if problem else 200, headers=HEADERS)
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


def _local(wanted: str) -> str:
    return wanted if LOCAL.fullmatch(wanted) else "/"
