"""The client that `useChat` uses, of the npm package `ai`, talks to the server without a line of glue."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Served, needed
from tests.fake_openai import FakeOpenAI
from tests.fake_openai_parts.reply import messages

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def told(served: Served, upstream: FakeOpenAI) -> dict[str, Any]:
    """What client.mjs saw."""
    node = shutil.which("node", path=f"{os.environ['PATH']}:{ROOT}/.venv/bin")
    program = needed(node, "Node")
    needed(str(HERE / "node_modules") if (HERE / "node_modules" / "ai").is_dir() else None, "the npm package ai")
    done = subprocess.run(
        [program, HERE / "client.mjs", served.url, f"http://127.0.0.1:{upstream.port}/_go_on"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_several_turns_of_a_chat_are_answered(told: dict[str, Any]) -> None:
    for turn in told["turns"]:
        assert turn["errors"] == []
        assert turn["text"].startswith(("You said: **One**", "You said: ****", "You said: **Three**"))
        assert turn["types"][0] == "start"
        assert turn["types"][-1] == "finish"
        assert set(turn["states"]) == {"done"}
        assert turn["metadata"]["usage"]["outputTokens"] > 0
        assert turn["metadata"]["model"] == "gpt-6-luna"
    assert told["turns"][1]["kinds"] == ["reasoning", "text"]
    assert told["ids"] == told["stored"], "both sides call the messages the same"


def test_an_answer_is_made_again_and_a_question_edited(told: dict[str, Any]) -> None:
    assert told["regenerated"]["types"][-1] == "finish"
    assert told["regenerated"]["text"] == told["turns"][-1]["text"]
    assert told["regenerated"]["id"] not in told["ids"]
    assert told["edited"]["text"] == "Edited."


def test_an_error_before_the_first_byte_reaches_the_client_with_its_status(told: dict[str, Any]) -> None:
    assert told["early"]["status"] == 503
    assert told["early"]["problem"]["code"] == "unavailable"


def test_an_error_in_the_stream_reaches_the_client_after_the_text(told: dict[str, Any]) -> None:
    assert told["late"]["text"].startswith("You said: **Hello**")
    assert told["late"]["types"][-3:] == ["text-end", "data-problem", "error"]
    assert len(told["late"]["errors"]) == 1
    assert "broke off" in told["late"]["errors"][0]


def test_a_reload_listens_again_and_finds_nothing_when_it_is_over(told: dict[str, Any]) -> None:
    assert told["resumed"]["text"] == "tok " * 60
    assert told["resumed"]["types"][-1] == "finish"
    assert told["resumed"]["errors"] == []
    assert told["nothing"] is None


def test_a_reloaded_chat_listens_on_and_ends_with_one_whole_answer(told: dict[str, Any]) -> None:
    """What it had loaded of the answer is not said twice, and the chat goes on."""
    continued = told["continued"]
    assert (continued["errors"], continued["status"]) == ([], "ready")
    assert "tok " * 80 != continued["half"] != ""
    (question, answer) = continued["messages"]
    assert (question[0], answer[0]) == ("user", "assistant")
    parts = [part for part in answer[2] if part[0] in ("reasoning", "text")]
    assert parts == [["reasoning", "I think."], ["text", "tok " * 80]]
    assert continued["messages"] == continued["stored"], "as it stands in the database"
    assert continued["again"] == {"status": "ready", "count": 2}
    assert continued["next"][1] == "Gladly."


def test_an_answer_that_was_cut_off_goes_on_when_there_is_nothing_new_to_say(told: dict[str, Any]) -> None:
    went_on = told["wentOn"]
    assert (went_on["errors"], went_on["ids"]) == ([], went_on["before"]), "in the same message"
    assert went_on["text"] == went_on["stored"] != "tok " * 4
    assert went_on["text"].startswith("tok " * 4)


def test_a_temporary_chat_is_told_what_was_said_before(told: dict[str, Any], upstream: FakeOpenAI) -> None:
    assert told["temporary"]["errors"] == []
    assert told["temporary"]["texts"][1::2] == ["Uno", "Due", "Tre"]
    (last,) = [call for call in upstream.calls if call.text == "Tre"]
    assert [text for _, text in messages(last.api, last.body) if text in ("Uno", "Due")] == ["Uno", "Due"]


def test_a_stop_ends_the_clients_stream_with_an_abort(told: dict[str, Any]) -> None:
    assert told["stopped"]["types"][-1] == "abort"
    assert told["stopped"]["errors"] == []
    assert "tok " * 60 != told["stopped"]["text"] != ""


def test_another_parser_reads_the_same_events(told: dict[str, Any]) -> None:
    parsed = told["parsed"]
    assert (parsed["errors"], parsed["comments"]) == (0, 1)
    chunks = [(id, json.loads(data)) for id, data in parsed["events"][:-1]]
    assert parsed["events"][-1][1] == "[DONE]"
    length = 0
    for id, chunk in chunks:
        if chunk["type"] == "text-delta":
            length += len(chunk["delta"])
            assert id == str(length)
    assert length > 0
