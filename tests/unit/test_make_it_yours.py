"""docs/make-it-yours.md: its examples are run as they stand there, and its colours measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fake_openai import FakeOpenAI
from tests.fake_openai_parts.reply import messages
from tests.unit.built_app import OWN, build
from tests.visitor import Visitor

PAGE = (ROOT / "docs/make-it-yours.md").read_text()
SETTINGS = re.compile(r"(?:^    [A-Z_]+=.*\n)+", re.MULTILINE)
LEAST = 4.5  # to 1: https://www.w3.org/TR/WCAG22/#contrast-minimum

sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE))


def settings_of(title: str) -> dict[str, str]:
    """The settings that a section shows, by the names of fields."""
    (block,) = SETTINGS.findall(sections[title])
    return {name.strip().lower(): value for name, _, value in (line.partition("=") for line in block.splitlines())}


@pytest.mark.parametrize(
    "title", ["What it is asked and told", "A server of your own, such as Ollama", "A gateway, or another provider"]
)
def test_settings_that_the_page_shows_start_the_app_and_reach_the_model(title: str, tmp_path: Path) -> None:
    shown = settings_of(title)
    is_own = shown.get("openai_api_key") == "ollama"
    with FakeOpenAI(compat="vllm" if is_own else "", model=shown["openai_model"]) as fake:
        if "openai_api_key" in shown:
            fake.keys.add(shown["openai_api_key"])
        else:
            (tmp_path / "key").write_text(fake.key)
            shown["openai_api_key_file"] = str(tmp_path / "key")
        # The fake stands where the page names a server, and for OpenAI.
        shown["openai_base_url"] = fake.base_url
        if not is_own:
            shown["openai_trusted_hosts"] = "127.0.0.1"
        client = build(tmp_path, **shown).test_client()
        answer = client.post("/api/chat", json=Visitor("").body("Hello"), headers=OWN)
        assert b'"type":"finish"' in answer.data
        call = fake.calls[-1]
        assert (call.status, call.body["model"]) == (200, shown["openai_model"])
        assert call.api == ("chat" if shown.get("openai_api") == "chat_completions" else "responses")
        told = client.get("/api/me").get_json()
        if "openai_models" in shown:
            assert told["models"] == shown["openai_models"].split(",")
            assert told["suggestions"] == shown["suggested_questions"].split("|")
            assert shown["system_prompt"] in str(call.body)
        if is_own:
            assert told["allowance"]["money"]["left"] == told["allowance"]["money"]["limit"], "0/0/0 is free"
        assert "Hello" in [text for _, text in messages(call.api, call.body)]


def test_the_name_that_the_page_shows_is_shown(tmp_path: Path) -> None:
    shown = settings_of("The name")
    assert shown["site_name"] in build(tmp_path, **shown).test_client().get("/").text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("palette", ["ours", "the page's"])
def test_the_palettes_can_be_read_in_light_and_dark(palette: str, theme: str) -> None:
    colours = palette_of((ROOT / "static/css/base.css").read_text(), theme)
    example = palette_of(sections["Colours, type and icons"], theme)
    assert set(example) == {"accent", "on-accent", "tint"} < set(colours)
    if palette != "ours":
        colours |= example
    pairs = [("accent", ground) for ground in ("paper", "raised", "sunken", "tint", "hover")]
    pairs += [("on-accent", "accent"), ("ink", "tint"), ("quiet", "tint"), ("ink", "paper"), ("quiet", "paper")]
    measured = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in measured.items() if ratio < LEAST} == {}


def palette_of(css: str, theme: str) -> dict[str, str]:
    found = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\);", css)
    return {name: light if theme == "light" else dark for name, light, dark in found}


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
