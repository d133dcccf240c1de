"""Who is asking: the network of an address, and a visitor's cookie that cannot be made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Response
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.signing import Signer
from chatbot.visitors.who import COOKIE, Visitor, identify, network_of, remember

SIGNER = Signer("the secret of these tests")


def asking(cookie: str | None = None, address: str = "192.0.2.7") -> Any:
    return SimpleNamespace(cookies={COOKIE: cookie} if cookie is not None else {}, remote_addr=address)


@pytest.mark.parametrize(
    "address,network",
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:C000:0207", "192.0.2.7"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:0:ffff:ffff:ffff:ffff", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
        ("[2001:db8::1]", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", "local"),
        (None, "local"),
        ("unknown", "local"),
        ("unix:", "local"),
    ],
)
def test_a_network_is_an_ipv4_address_or_the_64_of_an_ipv6_one(address: str | None, network: str) -> None:
    assert network_of(address) == network


@settings(deadline=None)
@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_no_address_of_a_64_escapes_it(address: Any, host: int) -> None:
    if not address.ipv4_mapped:
        sibling = type(address)((int(address) >> 64 << 64) | host)
        if not sibling.ipv4_mapped:
            assert network_of(str(address)) == network_of(str(sibling))


@settings(deadline=None)
@given(st.text())
def test_no_text_in_the_place_of_an_address_breaks_it(text: str) -> None:
    assert isinstance(network_of(text), str)


def test_a_signed_cookie_brings_the_same_visitor_back() -> None:
    first = identify(asking(), SIGNER)
    assert first.is_new and len(first.id) == 32
    again = identify(asking(SIGNER.sign(first.id)), SIGNER)
    assert (again.id, again.is_new) == (first.id, False)


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "visitor", "..", '"abc".sig', SIGNER.sign("a" * 32)[:-1], "A" + SIGNER.sign("a" * 32), "\x00", "é" * 9,
     Signer("another secret").sign("a" * 32), "x" * 8000],
    ids=range(11),
)  # fmt: skip
def test_a_forged_or_foreign_cookie_makes_a_new_visitor(cookie: str) -> None:
    visitor = identify(asking(cookie), SIGNER)
    assert visitor.is_new and visitor.id != "a" * 32


def test_a_signed_value_that_is_no_text_makes_a_new_visitor() -> None:
    signed = SIGNER._serializer.dumps({"id": "a" * 32})
    assert identify(asking(str(signed)), SIGNER).is_new


def test_the_address_is_kept_as_a_keyed_name_only() -> None:
    visitor = identify(asking(), SIGNER)
    assert "192.0.2.7" not in repr(visitor)
    assert visitor.network == identify(asking(), SIGNER).network
    assert visitor.network != identify(asking(address="192.0.2.8"), SIGNER).network
    assert visitor.network != identify(asking(), Signer("another secret")).network


def cookie_for(*, secure: bool, cross_site: bool, is_new: bool = True) -> str | None:
    response = Response()
    remember(response, Visitor("a" * 32, "n", is_new), SIGNER, secure=secure, cross_site=cross_site)
    return response.headers.get("Set-Cookie")


def test_the_cookie_is_hidden_from_scripts_and_from_other_sites() -> None:
    plain, tls = cookie_for(secure=False, cross_site=False), cookie_for(secure=True, cross_site=False)
    assert plain and tls
    for cookie in (plain, tls):
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert "Secure" not in plain and "Secure" in tls


def test_only_over_tls_does_another_front_end_get_the_cookie() -> None:
    plain, tls = cookie_for(secure=False, cross_site=True), cookie_for(secure=True, cross_site=True)
    assert plain and "SameSite=Lax" in plain
    assert tls and "SameSite=None" in tls and "Secure" in tls


def test_a_known_visitor_keeps_the_old_cookie() -> None:
    assert cookie_for(secure=True, cross_site=False, is_new=False) is None
