"""The notations of settings: lists, limits and addresses, each checked without quoting the password it may hold."""

from __future__ import annotations

import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_settings import NoDecode

DEFAULT_PORTS = {"http": 80, "https": 443}
PLACES = 6  # of a price
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show nothing


def _split(value: object) -> object:
    return [part.strip().rstrip("/") for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _questions(value: object) -> object:
    return [part for each in value.split("|") if (part := each.strip())] if isinstance(value, str) else value


def _one_line(value: str) -> str:
    """Joiners, which are no letters but make some, may stand in it; nothing that a subject of a mail could not hold."""
    if not value.replace("\u200c", "").replace("\u200d", "").isprintable() or not any(map(_is_seen, value)):
        raise ValueError("must be one line of letters, digits and signs")
    return value


def _is_seen(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNPS" and char not in BLANKS


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
    if "?" in value or "#" in value:
        raise ValueError("must be an address without ? and #, because paths are put behind it")
    return value.rstrip("/")


def _origins(values: list[str]) -> list[str]:
    return [_origin(value) for value in values]


def _origin(value: str) -> str:
    """As browsers send it: in lower case, without the port that its scheme has anyway."""
    parts = _parts(value.lower())
    if value.lower() != f"{parts.scheme}://{parts.netloc}" or parts.hostname is None or parts.username is not None:
        raise ValueError("must be origins such as https://chat.example.org, without a path")
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("must be http or https origins, such as https://chat.example.org")
    return value.lower().removesuffix(f":{DEFAULT_PORTS[parts.scheme]}")


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


def _prices(value: object) -> object:
    """`model=input/cached/output`, by commas: dollars per million tokens."""
    if not isinstance(value, str):
        return value
    found = {}
    for part in value.split(","):
        model, _, rates = part.strip().rpartition("=")
        try:
            found[model.strip()] = tuple(Decimal(rate.strip()) for rate in rates.split("/"))
        except InvalidOperation:
            raise ValueError("must be prices such as model=0.10/0.01/0.50") from None
    return found


def _three_rates(value: dict[str, tuple[Decimal, ...]]) -> dict[str, tuple[Decimal, ...]]:
    for model, rates in value.items():
        if not model or len(rates) != 3 or not all(rate.is_finite() and 0 <= rate <= 1_000_000 for rate in rates):
            raise ValueError("must be prices such as model=0.10/0.01/0.50: input, cached input, output")
        if any(rate != round(rate, PLACES) for rate in rates):
            raise ValueError(f"must be prices of at most {PLACES} decimal places")
    return value


def _percents(value: list[str]) -> list[int]:
    numbers = [int(part) if str(part).isascii() and str(part).isdigit() else 0 for part in value]
    if not all(1 <= number <= 100 for number in numbers):
        raise ValueError("must be whole percents from 1 to 100, such as 50,80,100")
    return sorted(set(numbers))


Origins = Annotated[list[str], NoDecode, BeforeValidator(_split), AfterValidator(_origins)]
Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
SiteName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), AfterValidator(_one_line)
]
Question = Annotated[str, Field(max_length=120)]
Questions = Annotated[list[Question], NoDecode, BeforeValidator(_questions), Field(max_length=6)]
Prices = Annotated[dict[str, tuple[Decimal, ...]], NoDecode, BeforeValidator(_prices), AfterValidator(_three_rates)]
Percents = Annotated[list[Any], NoDecode, BeforeValidator(_split), AfterValidator(_percents)]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Limit = Annotated[str, AfterValidator(_limit)]
Address = Annotated[str, AfterValidator(_url)]
DatabaseAddress = Annotated[str, AfterValidator(_database)]
StoreAddress = Annotated[str, AfterValidator(_storage)]
