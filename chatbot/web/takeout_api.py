"""The API of what is one's own: taking chats out, bringing them in, deleting them and what leads back to oneself."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from flask import Blueprint, Response, g, request
from limits import RateLimitItemPerDay

from chatbot.chats.conversations import owned
from chatbot.db import now_ms, reading
from chatbot.errors import BadRequest, LimitReached
from chatbot.history import erase
from chatbot.history.export import all_zipped, as_json, as_markdown, file_name
from chatbot.history.imports import bring_in
from chatbot.history.portable import time_of
from chatbot.visitors.gate import WAIT_S, Gate
from chatbot.visitors.who import COOKIE, cookie_flags
from chatbot.web.chat_api import mark
from chatbot.web.cors import reach
from chatbot.web.json_io import json_response
from chatbot.web.parts import parts, visitor

MOST_IMPORT_BYTES = 32 * 1024 * 1024
# Beside the limits of messages, for a file is stored at no cost to who sends it, and a full disk stops everybody.
PER_NETWORK, PER_SITE = 10, 200  # files a day
FORMATS = {"md": (as_markdown, "text/markdown"), "json": (as_json, "application/json")}

takeout = Blueprint("takeout_api", __name__, url_prefix="/api")
takeout.after_request(mark)
# A large file fills the memory of a process many times over.
_one_at_a_time = Gate(1, WAIT_S, "Other files are being imported. Please try again in a moment.")


@takeout.get("/chats/<id>/export")
def export(id: str) -> Response:
    """One chat as a file: the version being read as Markdown, or all of it as JSON."""
    engine = parts().engine
    with reading(engine) as connection:
        chat = owned(connection, id, visitor().id)
    wanted = request.args.get("format", "md")
    if wanted not in FORMATS:
        raise BadRequest("The format is md or json.", field="format")
    write, mimetype = FORMATS[wanted]
    return _download(write(engine, chat), mimetype, f"{file_name(chat)}.{wanted}")


@takeout.get("/chats/export")
def export_all() -> Response:
    """All chats as a zip; temporary ones are left out."""
    name = f"chats {time_of(now_ms()):%Y-%m-%d}.zip"
    return _download(all_zipped(parts().engine, visitor().id), "application/zip", name)


@takeout.post("/chats/import")
def import_chats() -> Response:
    """Bring back what was taken out: the body is the JSON of one chat, or a zip."""
    house, who = parts(), visitor()
    with house.limits.together():
        standings = house.limits.admit(who)
        for most, subject in ((PER_NETWORK, who.network), (PER_SITE, "all")):
            if house.limits.counted(RateLimitItemPerDay(most + 1), "imports", subject) > most:
                raise LimitReached("Too many files were imported today. Please try again tomorrow.", retry_after=86_400)
    g.standings, g.counted = standings, True
    request.max_content_length = MOST_IMPORT_BYTES
    body = request.get_data(cache=False)
    with _one_at_a_time():
        return json_response(bring_in(house.engine, who.id, body, house.settings.max_message_chars))


@takeout.delete("/chats/<id>")
def delete(id: str) -> Response:
    """Delete a chat, and stop its answer where one is being made."""
    erase.delete_chat(parts().engine, parts().turns.made, id, visitor().id)
    return Response(status=204)


@takeout.delete("/chats")
def delete_all() -> Response:
    """Likewise all chats."""
    erase.delete_chats(parts().engine, parts().turns.made, visitor().id)
    return Response(status=204)


@takeout.delete("/me")
def forget() -> Response:
    """Delete all chats, the cookie, and what leads back from the ledger."""
    house = parts()
    erase.forget_visitor(house.engine, house.turns.made, house.ledger, visitor().id)
    response = Response(status=204)
    response.delete_cookie(COOKIE, **cookie_flags(**reach()))
    return response


def _download(content: Iterator[bytes], mimetype: str, name: str) -> Response:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    response = Response(content, mimetype=mimetype, headers={"Cache-Control": "no-store"})
    names = {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}
    response.headers.set("Content-Disposition", "attachment", **names)
    return response
