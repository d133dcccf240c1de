"""Firefox and WebKit, each started once, on one server; a test fails on what their consoles complain of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.browser.line import Line
from tests.browser.others.chat_tab import ChatTab
from tests.browser.others.firefox import Firefox
from tests.browser.others.proxy import Proxy
from tests.browser.others.tab import Tab
from tests.browser.others.webkit import WebKit
from tests.conftest import serving
from tests.fake_openai import FakeOpenAI

DESKTOP = (1280, 860)
PHONE = (390, 844)
HARMLESS = [
    '"interactive-widget" not recognized',  # WebKit does not know it,
    "directive 'manifest-src'",  # nor this
    "due to access control checks",  # so WebKit calls a request that its page did not wait for,
    "Loading failed for the module",  # and so Firefox
]


@dataclass
class House:
    """The server, behind a line that can be cut."""

    fake: FakeOpenAI
    line: Line


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with FakeOpenAI() as fake, serving(tmp_path_factory.mktemp("others")) as start:
        served = start(**fake.env, MAX_MESSAGE_CHARS=100_000)
        with Line(served.url) as line:
            yield House(fake, line)


@pytest.fixture(scope="package", params=[Firefox, WebKit], ids=lambda kind: kind.name)
def tab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, house: House) -> Iterator[Tab]:
    """It asks for `house` so that the browser closes before the server does."""
    with Proxy() as proxy:
        program = request.param(tmp_path_factory.mktemp(request.param.name), proxy.port)
        yield Tab(program)
        program.close()
        assert proxy.asked == [], f"{program.name} asked other machines"


@pytest.fixture
def expected() -> list[str]:
    """Parts of complaints that a test expects."""
    return []


@pytest.fixture
def chat(tab: Tab, house: House, expected: list[str]) -> Iterator[ChatTab]:
    """A new chat on a desktop."""
    said = len(tab.program.console())
    tab.program.resize(*DESKTOP)
    yield ChatTab(tab, house.line.url)
    complaints = tab.program.console()[said:]
    assert [text for text in complaints if not any(part in text for part in [*expected, *HARMLESS])] == []
