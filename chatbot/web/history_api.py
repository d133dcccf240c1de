"""The history's API: the visitor's chats listed and searched, named, and read in another version."""

from __future__ import annotations

import re

import msgspec
from flask import Blueprint, Response, request
from msgspec import UNSET, UnsetType

from chatbot.chats import conversations
from chatbot.db import writing
from chatbot.errors import BadRequest, ContainsKey, TooLong
from chatbot.history.shelf import START, Place, page, rename
from chatbot.key.shapes import holds_key
from chatbot.web.json_io import decode, json_response
from chatbot.web.parts import parts, visitor

PAGE_CHATS, MOST_CHATS = 30, 100
MOST_QUERY_CHARS, MOST_TITLE_CHARS = 500, 200
CURSOR = re.compile(r"([0-9]{1,15})(?:-([A-Za-z0-9_-]{1,64}))?", re.A)

history = Blueprint("history_api", __name__, url_prefix="/api")


class Change(msgspec.Struct):
    title: str | UnsetType = UNSET
    head: str | UnsetType = UNSET


@history.get("/chats")
def chats() -> Response:
    """A page of the visitor's chats, newest first; with `q` only those in which all its words stand."""
    query = request.args.get("q", "")
    if len(query) > MOST_QUERY_CHARS:
        raise BadRequest(f"A search has {MOST_QUERY_CHARS} characters at most.", field="q")
    found, place = page(parts().engine, visitor().id, query, _before(), _limit())
    return json_response({"chats": found, "before": place and f"{place[0]}-{place[1]}"})


@history.patch("/chats/<id>")
def change(id: str) -> Response:
    """Give a chat another title, or read it in the version in which this message stands, or both."""
    engine, who, wanted = parts().engine, visitor().id, _change(request.get_data())
    with writing(engine):
        if isinstance(wanted.title, str):
            rename(engine, id, who, wanted.title)
        if isinstance(wanted.head, str):
            conversations.choose(engine, id, who, wanted.head)
    return json_response(conversations.read(engine, id, who))


def _before() -> Place:
    told = request.args.get("before")
    if told is None:
        return START
    cursor = CURSOR.fullmatch(told)
    if cursor is None:
        raise BadRequest("That is not where a page begins.", field="before")
    return int(cursor[1]), cursor[2] or ""


def _limit() -> int:
    told = request.args.get("limit", str(PAGE_CHATS))
    if not (re.fullmatch("[0-9]{1,3}", told) and 1 <= int(told) <= MOST_CHATS):
        raise BadRequest(f"A page has 1 to {MOST_CHATS} chats.", field="limit")
    return int(told)


def _change(body: bytes) -> Change:
    wanted = decode(body, Change)
    if wanted.title is UNSET and wanted.head is UNSET:
        raise BadRequest("There is neither a title nor a head.", field="title")
    if isinstance(wanted.title, str):
        wanted.title = " ".join(wanted.title.split())
        _check(wanted.title)
    return wanted


def _check(title: str) -> None:
    if not title:
        raise BadRequest("The title is empty.", field="title")
    if len(title) > MOST_TITLE_CHARS:
        raise TooLong(f"A title has {MOST_TITLE_CHARS} characters at most.", field="title")
    if holds_key(title):
        raise ContainsKey("The title holds something shaped like an API key, so it was not kept.", field="title")
