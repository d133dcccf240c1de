"""The chat API: one turn, listening again, stopping, reading a chat, and what is left of the allowance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, request, send_from_directory

from chatbot.chats import conversations
from chatbot.chats.follow import follow
from chatbot.chats.live import LiveReply, Outcome, Progress
from chatbot.chats.temporary import seal_of
from chatbot.errors import BadRequest
from chatbot.visitors.standing import headers
from chatbot.visitors.who import remember
from chatbot.web import wire
from chatbot.web.allowance import allowance, mode, standings
from chatbot.web.body import parse
from chatbot.web.cors import reach
from chatbot.web.guard import STORE_ERRORS, is_ours
from chatbot.web.json_io import json_response
from chatbot.web.parts import Parts, parts, visitor

api = Blueprint("chat_api", __name__, url_prefix="/api")


@api.post("/chat")
def chat() -> Response:
    """One turn, streamed. Errors before the upstream's first event have their own status."""
    house, who = parts(), visitor()
    ask = parse(request.get_data(), who, house.settings, house.signer)
    with house.limits.gate(), house.limits.together():
        found = house.limits.admit(who)
        turn = house.turns.prepare(ask)
    g.standings, g.counted = found, True
    reply = house.turns.start(turn)
    return _stream(reply.message, _opening(reply), reply.listen_on(), ask.chat if ask.said else None)


@api.after_request
def mark(response: Response) -> Response:
    """Say where an asking visitor stands to the limits; give a new one, once counted as such, the cookie."""
    if request.method == "POST" and response.status_code != 403:
        found = standings() if response.status_code < 500 else g.get("standings", [])  # a store that is down
        response.headers.update(headers(found))
    if g.get("counted"):
        remember(response, visitor(), parts().signer, **reach())
    return response


@api.get("/chat/<id>/stream")
def listen(id: str) -> Response:
    """Listen again to the reply that is being made, from its start or from Last-Event-ID; 204 when there is none."""
    house = parts()
    row = conversations.live_row(house.engine, id, visitor().id)
    if row is None:
        return Response(status=204)
    after = _last_event_id()
    reply = house.turns.live.get(id)
    if reply is not None and (reply.message, reply.begun.rounds) == (row.id, row.rounds):
        return _stream(row.id, _opening(reply), reply.listen(after), id)
    metadata = {"model": row.model, "questionId": row.parent, "leftOut": row.left_out}
    return _stream(row.id, metadata, follow(house.engine, id, row.id, after), id)


@api.post("/chat/<id>/stop")
def stop(id: str) -> Response:
    """Stop the live reply, in whichever process it is made; what it has so far is kept."""
    house = parts()
    if conversations.live_row(house.engine, id, visitor().id) is not None:
        conversations.ask_to_stop(house.engine, id)
        if (reply := house.turns.live.get(id)) is not None:
            reply.stop()
    return Response(status=202)


@api.get("/chats/<id>")
def read(id: str) -> Response:
    """A chat with the newest messages of the version being read, or with those above the message `before`."""
    return json_response(conversations.read(parts().engine, id, visitor().id, request.args.get("before")))


@api.get("/me")
def me() -> Response:
    """Mode, models, bounds, first questions, what is left. A new visitor gets the cookie here, or with a message."""
    house = parts()
    with suppress(*STORE_ERRORS):  # the page comes up all the same
        g.counted = is_ours() and house.limits.welcome(visitor())
    settings = house.settings
    about = {
        "mode": mode(),
        "model": settings.openai_model,
        "models": settings.models,
        "bounds": {
            "message_chars": settings.max_message_chars,
            "output_tokens": settings.max_output_tokens,
            "context_tokens": settings.max_context_tokens,
        },
        "suggestions": settings.suggested_questions,
        "allowance": allowance(house, visitor(), standings()),
    }
    return json_response(about)


@api.get("/openapi.json")
def description() -> Response:
    """This API, described in OpenAPI 3.1."""
    return send_from_directory(Path(__file__).parent, "openapi.json")


def _opening(reply: LiveReply) -> dict[str, Any]:
    metadata = {"model": reply.model, "questionId": reply.question, "leftOut": reply.left_out}
    return metadata | ({} if reply.shortened_to is None else {"shortenedTo": reply.shortened_to})


def _stream(message: str, metadata: dict[str, Any], progress: Iterator[Progress | None], chat: str | None) -> Response:
    """`chat`: None where it is known not to be a temporary one."""
    house, who, found = parts(), visitor(), standings()

    def closing(outcome: Outcome) -> dict[str, Any]:
        usage, sealed = outcome.usage, _sealed(house, chat, message) if chat else {}
        if outcome.status != "complete":
            return sealed
        return sealed | {
            "usage": usage and {"inputTokens": usage.input, "cachedInputTokens": usage.cached,
                                "outputTokens": usage.output, "reasoningTokens": usage.reasoning},
            "cost": None if outcome.cost_nano is None else outcome.cost_nano / 1e9,
            "allowance": allowance(house, who, found),
            "leftOut": outcome.left_out,
        }  # fmt: skip

    body = wire.encode(message, metadata, progress, closing)
    return Response(body, mimetype="text/event-stream", headers=wire.HEADERS)


def _sealed(house: Parts, chat: str, message: str) -> dict[str, Any]:
    try:
        seal = seal_of(house.engine, house.signer, chat, message)
    except STORE_ERRORS:
        return {}
    return {"seal": seal} if seal else {}


def _last_event_id() -> int:
    told = request.headers.get("Last-Event-ID", "0")
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        raise BadRequest("Last-Event-ID is not a number of characters.", field="Last-Event-ID")
    return int(told)
