"""Other front ends, by ALLOWED_ORIGINS: what their browsers may do and read (CORS), and which cookies they keep."""

from __future__ import annotations

from flask import Response, request

from chatbot.web.parts import parts

PATHS = ("/api/", "/enter")
PERMITTED_S = 3600  # for which an allowed origin need not ask again before each request
HEADERS = {
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Headers": "Content-Type, Last-Event-ID, User-Agent",
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Expose-Headers": (
        "Content-Disposition, Retry-After, RateLimit, RateLimit-Policy, x-vercel-ai-ui-message-stream"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def is_allowed_origin() -> bool:
    return request.headers.get("Origin") in parts().settings.allowed_origins


def answer_preflight() -> Response | None:
    """A browser asks first whether it may send what scripts of another origin want to send."""
    if request.method == "OPTIONS" and _is_permitted():
        return Response(status=204, headers={"Access-Control-Max-Age": str(PERMITTED_S)})
    return None


def permit(response: Response) -> Response:
    if _is_permitted():
        response.headers.update({"Access-Control-Allow-Origin": request.headers["Origin"], **HEADERS})
    response.headers.add("Vary", "Origin")
    return response


def reach() -> dict[str, bool]:
    """What decides where a cookie may go, for `who.cookie_flags`."""
    return {"secure": request.is_secure, "cross_site": bool(parts().settings.allowed_origins)}


def _is_permitted() -> bool:
    return is_allowed_origin() and request.path.startswith(PATHS)
