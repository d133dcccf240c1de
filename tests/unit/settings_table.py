"""The table of settings in docs/configuration.md, made from chatbot/fields.py: `make docs` writes it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from chatbot.config import ROOT
from chatbot.fields import Fields

PAGE = ROOT / "docs" / "configuration.md"
HEAD = "| name | default | allowed | meaning |\n| --- | --- | --- | --- |\n"
TABLE = re.compile(r"^\| name \| default \|.*?\n\n", re.MULTILINE | re.DOTALL)
# What the notations of chatbot/notation.py take, in words.
NOTATIONS = {
    "_split": "a list, by commas",
    "_questions": "up to 6 of at most 120 characters, by bars",
    "_limit": "limits, by `;`",
    "_url": "an `http://` or `https://` address",
    "_database": "`sqlite:///` and a file, or a `postgresql://` address",
    "_storage": "a `redis://`, `rediss://`, `valkey://`, `valkeys://` or `memory://` address",
    "_prices": "`model=input/cached/output`, by commas",
    "_percents": "whole percents from 1 to 100, by commas",
}


def main() -> None:
    PAGE.write_text(TABLE.sub(lambda _: table() + "\n", PAGE.read_text()))


def table() -> str:
    return HEAD + "".join(
        f"| `{name.upper()}` | {_default(field.default)} | {allowed(field)} | {field.description} |\n"
        for name, field in Fields.model_fields.items()
    )


def allowed(field: FieldInfo) -> str:
    """What a setting takes, in words: its notation, its choices, or its kind and bounds."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    kind = next((each for each in get_args(field.annotation) if each is not type(None)), field.annotation)
    checks = [*field.metadata, *getattr(kind, "__metadata__", ())]
    if notation := [NOTATIONS[check.func.__name__] for check in checks if _is_notation(check)]:
        return notation[-1]
    if kind is Path:
        return "a file"
    if kind in (str, SecretStr):
        return "text" + _length(field)
    return {int: "a whole number", Decimal: "US dollars"}[kind] + _bounds(field)


def _is_notation(check: Any) -> bool:
    return getattr(getattr(check, "func", None), "__name__", "") in NOTATIONS


def documented(default: Any) -> str:
    """A default as it is written down; empty where there is none."""
    if default in (None, {}):
        return ""
    if isinstance(default, list):
        separator = "|" if any(" " in str(part) for part in default) else ","
        return separator.join(map(str, default))
    return str(default)


def _default(default: Any) -> str:
    text = documented(default).replace("|", r"\|")
    return f"`{text}`" if text else "none"


def _bounds(field: FieldInfo) -> str:
    least, most = _bound(field, "ge"), _bound(field, "le")
    if most is None:
        return "" if least is None else f", {least:,} or more"
    return f", {least:,} to {most:,}"


def _length(field: FieldInfo) -> str:
    least, most = _bound(field, "min_length"), _bound(field, "max_length")
    if most is not None:
        return f" of {least or 0} to {most} characters"
    return "" if least is None else f", {least} characters or more"


def _bound(field: FieldInfo, name: str) -> int | None:
    return next((getattr(each, name) for each in field.metadata if hasattr(each, name)), None)


if __name__ == "__main__":
    main()
