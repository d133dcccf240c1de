"""JSON in and out: a request's body, with the member at fault named, and an answer that nobody may keep."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from flask import Response

from chatbot.errors import BadRequest

T = TypeVar("T")


def decode(body: bytes, kind: type[T]) -> T:
    """The body as this type. Raises BadRequest."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field = _field(str(error))
        raise BadRequest(f"The member {field} is missing or not of the right form.", field=field) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest("The request is not valid JSON.") from None


def json_response(value: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(value), mimetype="application/json", headers={"Cache-Control": "no-store"})


def _field(said: str) -> str:
    """The member at fault, from msgspec's words; the whole body when none is named."""
    found = re.search(r"`\$\.(\w+)|required field `(\w+)`", said)
    return (found.group(1) or found.group(2)) if found else "body"
