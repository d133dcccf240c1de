"""Answers one model call: key, model and parameters checked, faults before the first byte, then the reply."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.fake_openai_parts import checks
from tests.fake_openai_parts.calls import Call
from tests.fake_openai_parts.connection import ClientGone, Connection
from tests.fake_openai_parts.directives import Plan
from tests.fake_openai_parts.errors import ApiError, by_code, by_status, masked
from tests.fake_openai_parts.player import Player
from tests.fake_openai_parts.reply import input_tokens, make_reply
from tests.fake_openai_parts.stream import FOREVER_S, make_script

if TYPE_CHECKING:
    from tests.fake_openai import FakeOpenAI


def answer_model_call(fake: FakeOpenAI, connection: Connection, call: Call) -> None:
    """Answers `call` whole, whatever is wrong with it. Raises ClientGone when the client leaves early."""
    headers = _headers(call)
    player: Player | None = None
    try:
        call.body = _json(call)
        plan = fake.plans.plan_for(call)
        if _break_before(fake, connection, call, plan):
            call.end("fault")
            return
        connection.pause(plan.number("stall", FOREVER_S) if "stall" in plan else 0)
        _refuse(fake, call, plan)
        call.status = 200
        if _mislead(connection, call, plan, headers):
            call.end("fault")
            return
        reply = make_reply(call.api, call.body, plan, fake.default_text)
        script = make_script(call.api, f"{call.number:06d}{fake.marker}", call, reply, plan)
        player = Player(connection, call, plan, script)
        if call.body.get("stream"):
            player.stream(headers)
        else:
            player.whole(headers)
    except ApiError as error:
        call.status = error.status
        call.end("error")
        connection.answer(error.status, {**headers, "Content-Type": error.media_type, **error.headers}, error.body())
    except ClientGone:
        call.closed_at = time.time()
        if player:
            player.count_overrun()
        call.end("closed")
        raise


def authenticate(fake: FakeOpenAI, call: Call) -> None:
    """Raises the 401 that the key of `call` deserves."""
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    call.key = key
    if fake.compat:
        if fake.keys and key not in fake.keys - fake.revoked:
            raise ApiError(401, None, "", raw=b'{"error":"Unauthorized"}')
        return
    if scheme.lower() != "bearer" or not key:
        raise ApiError(401, None, "You didn't provide an API key. You need to provide your API key in an "
                       "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).")  # fmt: skip
    if key not in fake.keys or key in fake.revoked:
        raise by_code("invalid_api_key", key=masked(key))
    if key in fake.unscoped:
        raise by_code("missing_scope")


def _headers(call: Call) -> dict[str, str]:
    return {
        "x-request-id": call.request_id,
        "openai-processing-ms": "7",
        "openai-version": "2020-10-01",
        "openai-organization": "fake-organization",
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-remaining-tokens": "199000",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-reset-tokens": "6m0s",
    }


def _json(call: Call) -> object:
    try:
        return json.loads(call.raw)
    except ValueError:
        raise ApiError(400, None, "We could not parse the JSON body of your request.") from None


def _refuse(fake: FakeOpenAI, call: Call, plan: Plan) -> None:
    """Raises what OpenAI would answer to this request, or what the plan asks for."""
    authenticate(fake, call)
    if "error" in plan or "status" in plan or "body" in plan:
        raise _planned_error(plan, call)
    checks.check(call.api, call.body, fake.compat)
    call.model = str(call.body.get("model"))
    if call.model not in fake.models:
        raise by_code("model_not_found", model=call.model)
    if input_tokens(call.api, call.body) > fake.context_tokens:
        error = by_code("context_length_exceeded")
        raise ApiError(400, error.code, error.message, param="input" if call.api == "responses" else "messages")
    moderation = call.body.get("moderation") or {}
    if "flagged" in plan and ((moderation.get("policy") or {}).get("input") or {}).get("mode") == "block":
        raise by_code("moderation_blocked")


def _planned_error(plan: Plan, call: Call) -> ApiError:
    model = str(call.body.get("model")) if isinstance(call.body, dict) else ""
    if "error" in plan:
        error = by_code(plan.word("error", "server_error"), key=masked(call.key), model=model)
    else:
        error = by_status(plan.count("status", 500))
    if "body" in plan:
        error = by_status(plan.count("status", error.status), plan.word("body", "html"))
    if "retry-after" in plan and plan.word("retry-after") != "none":
        error.headers["Retry-After"] = plan.given["retry-after"][0]
    elif "retry-after" not in plan and error.code in ("rate_limit_exceeded", "server_is_overloaded"):
        error.headers["Retry-After"] = "1"
    if "reset" in plan:
        error.headers["x-ratelimit-reset-requests"] = plan.given["reset"][0]
        error.headers["x-ratelimit-reset-tokens"] = plan.given["reset"][0]
    return error


def _break_before(fake: FakeOpenAI, connection: Connection, call: Call, plan: Plan) -> bool:
    """Breaks the connection, or redirects, where an answer was due."""
    if "reset-connection" in plan:
        connection.reset()
    elif "hangup" in plan:
        connection.close()
    elif "half-headers" in plan:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev")
        connection.close()
    elif "not-http" in plan:
        connection.send(b"\x16\x03\x01\x02\x00 SSH-2.0-what\r\n\r\n")
        connection.close()
    elif "redirect" in plan and not call.headers.get("host", "").startswith("localhost"):
        call.status = 307
        target = plan.word("redirect") or f"http://localhost:{fake.port}{call.path}"
        connection.answer(307, {**_headers(call), "Location": target}, b"")
    else:
        return False
    return True


def _mislead(connection: Connection, call: Call, plan: Plan, headers: dict[str, str]) -> bool:
    """Answers 200 with something that is no stream of events."""
    if "not-sse" in plan and plan.word("not-sse") == "json":
        connection.answer(200, {**headers, "Content-Type": "application/json"}, b'{"status": "ok"}')
    elif "not-sse" in plan:
        page = b"<!doctype html><title>Sign in</title><p>Please sign in to the network."
        connection.answer(200, {**headers, "Content-Type": "text/html"}, page)
    elif "empty-stream" in plan or "comments-only" in plan:
        connection.head(200, {**headers, "Content-Type": "text/event-stream; charset=utf-8"}, None)
        for _ in range(plan.count("comments-only", 3) if "comments-only" in plan else 0):
            connection.body(b": keep-alive\n\n")
        connection.end_body()
        call.billed = True
        call.usage.input = input_tokens(call.api, call.body)
    else:
        return False
    return True
