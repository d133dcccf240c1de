"""What every request passes and every response carries: same-site check, security headers, errors as problem JSON."""

from __future__ import annotations

import logging

import msgspec
from flask import Flask, Response, render_template, request
from limits.errors import StorageError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_date

from chatbot.errors import CrossSite, Problem, SettingsError, Unavailable, place
from chatbot.web import cors

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}
# About documents only. A page has many parts, and over HTTP/1.1 these lines would weigh more than most of them.
DOCUMENTS = ("Content-Security-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy")
PARTS_OF_PAGES = ("text/javascript", "text/css", "font/woff2", "image/png")
DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")
STORE_ERRORS = (SQLAlchemyError, StorageError)

log = logging.getLogger("chatbot.web")


def guard(app: Flask) -> None:
    """Put the checks, headers and error handlers around an app."""
    app.before_request(_ignore_far_dates)
    app.before_request(cors.answer_preflight)
    app.before_request(_refuse_other_sites)
    app.after_request(_add_headers)
    app.after_request(cors.permit)
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SettingsError, _refused_start)
    for kind in STORE_ERRORS:
        app.register_error_handler(kind, _store_error)
    app.register_error_handler(Exception, _defect)


def problem_response(problem: Problem) -> Response:
    """application/problem+json, with Retry-After where waiting helps (RFC 9457)."""
    members = problem.members()
    response = Response(msgspec.json.encode(members), problem.status, mimetype="application/problem+json")
    if "retry_after" in members:
        response.headers["Retry-After"] = str(members["retry_after"])
    response.headers["Cache-Control"] = "no-store"
    return response


def _ignore_far_dates() -> None:
    """Of a year that no calendar has: Werkzeug ignores dates that it cannot read, but not these."""
    for name in DATES:
        try:
            parse_date(request.environ.get(name))
        except OverflowError:
            del request.environ[name]


def _refuse_other_sites() -> None:
    if request.method not in ("GET", "HEAD", "OPTIONS") and not is_ours():
        raise CrossSite()


def is_ours() -> bool:
    """Was the request sent by our own pages, by an allowed origin, or by a program that is no browser?"""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = (None, f"http://{request.host}", f"https://{request.host}")
    return cors.is_allowed_origin() or site in ("same-origin", "same-site", "none") or (site is None and origin in own)


def _add_headers(response: Response) -> Response:
    spared = DOCUMENTS if response.mimetype in PARTS_OF_PAGES else ()
    for name, value in HEADERS.items():
        if name not in spared:
            response.headers.setdefault(name, value)
    if "Location" in response.headers:
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def _http_error(error: HTTPException) -> Response:
    """Werkzeug's errors: as a page for a page's address, as problem JSON for the API."""
    status = error.code or 500
    problem = Problem({404: "There is nothing here.", 413: "The request is too large."}.get(status, error.name + "."))
    problem.status, problem.title = status, error.name
    problem.code = {404: "not_found", 405: "method_not_allowed", 413: "too_long"}.get(status, "bad_request")
    if request.path.startswith("/api/"):
        response = problem_response(problem)
    else:
        page = render_template("error.html", title=problem.title, detail=problem.detail, status=status)
        response = Response(page, status)
    if "Allow" in (headers := dict(error.get_headers())):
        response.headers["Allow"] = headers["Allow"]
    return response


def _refused_start(error: SettingsError) -> Response:
    log.error("%s", error)
    return problem_response(Unavailable())


def _store_error(error: Exception) -> Response:
    cause = getattr(error, "storage_error", error)
    log.error("the database or the limits' store failed: %s", type(cause).__name__)
    return problem_response(Unavailable())


def _defect(error: Exception) -> Response:
    log.error("a defect at %r: %s at %s", request.path, type(error).__name__, place(error))
    return problem_response(Problem())
