"""The notations of settings: lists, limits and addresses, each checked without quoting the password it may hold."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    return [part.strip().rstrip("/") for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _limit(value: str) -> str:
    try:
        parse_many(value)
    except ValueError:  # whose words quote the value
        raise ValueError("must be limits such as 8/minute;100/day") from None
    return value


def _url(value: str) -> str:
    parts = _parts(value)
    if not all("!" <= char <= "~" for char in value):
        raise ValueError("must be an address without spaces or line breaks")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("must be an http or https address without a user name")
    return value.rstrip("/")


def _parts(address: str) -> SplitResult:
    """Its parts, port and all; the standard library's errors would quote a piece of the password."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError("must be an address; check its port, and percent-encode its password") from None
    return parts


def _database(value: str) -> str:
    _parts(value)
    for old in ("postgres://", "postgresql://"):
        if value.startswith(old):
            return "postgresql+psycopg://" + value.removeprefix(old)
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")) or value in ("sqlite:///", "sqlite:///:memory:"):
        raise ValueError("must be a sqlite:/// file or a postgresql:// address")
    return value


def _storage(value: str) -> str:
    if _parts(value).scheme not in ("redis", "rediss", "valkey", "valkeys", "memory") or "://" not in value:
        raise ValueError("must be redis://, rediss://, valkey://, valkeys:// or memory://")
    return value


Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Limit = Annotated[str, AfterValidator(_limit)]
Address = Annotated[str, AfterValidator(_url)]
DatabaseAddress = Annotated[str, AfterValidator(_database)]
StoreAddress = Annotated[str, AfterValidator(_storage)]
