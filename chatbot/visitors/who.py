"""Who is asking: a visitor by a signed cookie, a network by address. Neither is kept in the clear."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from flask import Request, Response

from chatbot.signing import Signer

COOKIE = "visitor"
COOKIE_AGE_S = 365 * 24 * 3600
PORT = re.compile(r"^(?:\[(.*)\](?::\d+)?|([\d.]+):\d+)$")  # [2001:db8::1]:443 or 192.0.2.7:443


@dataclass(frozen=True)
class Visitor:
    """`id`: random, 32 hex; `network`: keyed hash of the address, 32 hex; `is_new`: the cookie is yet to be set."""

    id: str
    network: str
    is_new: bool


def identify(request: Request, signer: Signer) -> Visitor:
    """The visitor of the cookie, or a new one; a forged or foreign cookie counts as none."""
    known = signer.unsign(request.cookies.get(COOKIE, ""))
    network = signer.digest("network", network_of(request.remote_addr))[:32]
    return Visitor(known or secrets.token_hex(16), network, known is None)


def network_of(address: str | None) -> str:
    """What counts as one network: an IPv4 address, or the /64 of an IPv6 one, without a port that a proxy may add.

    All that is no address counts as one.
    """
    bare = PORT.sub(r"\1\2", address or "").split("%")[0]
    try:
        parsed: IPv4Address | IPv6Address = ip_address(bare)
    except ValueError:
        return "local"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)


def remember(response: Response, visitor: Visitor, signer: Signer, *, secure: bool, cross_site: bool) -> None:
    """Give a new visitor the cookie."""
    if visitor.is_new:
        flags = cookie_flags(secure=secure, cross_site=cross_site)
        response.set_cookie(COOKIE, signer.sign(visitor.id), COOKIE_AGE_S, **flags)


def cookie_flags(*, secure: bool, cross_site: bool) -> dict[str, Any]:
    """No script reads a cookie of ours. Other front ends on other sites get it too, but only over TLS."""
    return {"secure": secure, "httponly": True, "samesite": "None" if cross_site and secure else "Lax"}
