"""Servers that are not OpenAI's may refuse what only OpenAI's knows: they are asked without it, from then on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import serving
from tests.fake_openai import FakeOpenAI
from tests.faults.conftest import APIS

OWN = {"store", "safety_identifier", "prompt_cache_key"}


@pytest.mark.parametrize(("api", "compat"), [("responses", "vllm"), ("chat", "vllm"), ("chat", "fastapi")])
def test_a_server_that_refuses_openais_own_parameters_is_asked_without_them_from_then_on(
    tmp_path: Path, api: str, compat: str
) -> None:
    with FakeOpenAI(compat=compat, model="local-model") as fake, serving(tmp_path) as start:
        served = start(**fake.env, OPENAI_API=APIS[api], MODEL_PRICES="local-model=1/0.1/2")
        visitor = served.visitor()
        for text in ("Hello", "And again"):
            reply = visitor.say(text)
            assert reply.types[-1] == "finish"
            assert reply.text == fake.calls[-1].text
            usage = reply.chunk("finish")["messageMetadata"]["usage"]
            assert usage["outputTokens"] > 0
            cost = usage["inputTokens"] + 2 * usage["outputTokens"]
            assert reply.chunk("finish")["messageMetadata"]["cost"] == pytest.approx(cost / 1e6), "as MODEL_PRICES says"
        statuses = [call.status for call in fake.calls]
        assert statuses == [400 if compat == "vllm" else 422, 200, 200], "what was learnt is kept"
        assert set(fake.calls[0].body) >= OWN
        assert all(not OWN & set(call.body) for call in fake.calls[1:])
        assert {call.headers["authorization"] for call in fake.calls} == {f"Bearer {fake.key}"}
        assert fake.key not in served.log


@pytest.mark.parametrize("compat", ["vllm", ""])
def test_a_server_that_heeds_no_bound_is_asked_by_its_older_name_where_it_takes_that(
    tmp_path: Path, compat: str
) -> None:
    with FakeOpenAI(compat=compat, model="gpt-6-luna") as fake, serving(tmp_path) as start:
        visitor = start(**fake.env, OPENAI_API=APIS["chat"], MAX_OUTPUT_TOKENS=64).visitor()
        assert visitor.say("Hello [fake: heedless; tokens 65]").types[-1] == "finish"
        asked = len(fake.calls)
        for text in ("Hello", "And again"):
            assert visitor.say(text).types[-1] == "finish"
        names = [{"max_tokens", "max_completion_tokens"} & set(call.body) for call in fake.calls[asked:]]
        old, new = {"max_tokens"}, {"max_completion_tokens"}
        assert names == ([old, old] if compat else [old, new, new]), "the one that OpenAI's own server takes"
