"""The decoders: however the network cuts a stream, the reply is the same; and damage never passes for an end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import Broken, Problem
from chatbot.model.events import End, Usage
from chatbot.model.sse import MAX_EVENT_BYTES, EventSplitter
from chatbot.model.stream import ChatDecoder, ReplyDecoder, ResponsesDecoder

USAGE = {
    "input_tokens": 11, "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 5},
}  # fmt: skip
CHAT_USAGE = {
    "prompt_tokens": 11, "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 5},
}  # fmt: skip
COUNTED = Usage(input=11, cached=3, cache_write=2, output=7, reasoning=5)
DONE = "[DONE]"


@dataclass
class Heard:
    text: str = ""
    reasoning: str = ""
    end: End | None = None
    problem: type[Problem] | None = None


def decode(kind: type[ReplyDecoder], pieces: Iterable[bytes]) -> Heard:
    """Read a stream as the client does: to the end or problem that it tells, or to where it stops."""
    decoder, heard = kind(), Heard()
    for piece in [*pieces, None]:
        batch = decoder.finish() if piece is None else decoder.feed(piece)
        heard.text += batch.text
        heard.reasoning += batch.reasoning
        heard.end, heard.problem = batch.end, type(batch.problem) if batch.problem else None
        if batch.end or batch.problem:
            break
    return heard


def sse(*events: Any, newline: str = "\n", ascii: bool = True, indent: int | None = None) -> bytes:
    out = ""
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=ascii, indent=indent)
        out += "".join(f"data: {line}{newline}" for line in data.split("\n")) + newline
    return out.encode()


def said(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text}


def thought(text: str) -> dict[str, Any]:
    return {"type": "response.reasoning_summary_text.delta", "delta": text}


def completed(status: str = "completed", **members: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {"status": status, "usage": USAGE, **members}}


def chunk(finish: str | None = None, usage: Any = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage}


STOP = End("stop", COUNTED)
LAST_USAGE = {"choices": [], "usage": CHAT_USAGE}
THOUGHTS = [{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]}]
RESPONSES = {
    "plain": (sse(said("Hello, "), said("world."), completed()), Heard("Hello, world.", "", STOP)),
    "crlf": (sse(said("Hello"), completed(), newline="\r\n"), Heard("Hello", "", STOP)),
    "raw utf-8": (sse(said("é日本🎉"), said("👍🏽"), completed(), ascii=False), Heard("é日本🎉👍🏽", "", STOP)),
    "many lines": (sse(said("Hello"), completed(), indent=1), Heard("Hello", "", STOP)),
    "without a space": (sse(said("Hello"), completed()).replace(b"data: ", b"data:"), Heard("Hello", "", STOP)),
    "other fields": (
        b": hi\n\nevent: x\nid: 1\n" + sse(said("Hi")) + b"retry: 5\n\n" + sse(completed()),
        Heard("Hi", "", STOP),
    ),
    "halves of an emoji": (sse(said("a\ud83d"), said("\ude00b"), completed()), Heard("a😀b", "", STOP)),
    "half an emoji at the end": (sse(said("a\ud83d"), completed()), Heard("a\ufffd", "", STOP)),
    "half an emoji alone": (sse(said("a\ude00"), said("b"), completed()), Heard("a\ufffdb", "", STOP)),
    "halves in the reasoning": (
        sse(thought("a\ud83d"), thought("\ude00"), said("b"), completed()),
        Heard("b", "a😀", STOP),
    ),
    "reasoning": (sse(thought("First."), said("Then."), completed()), Heard("Then.", "First.", STOP)),
    "refusal": (sse({"type": "response.refusal.delta", "delta": "No."}, completed()), Heard("No.", "", STOP)),
    "length": (
        sse(said("Hel"), completed("incomplete", incomplete_details={"reason": "max_output_tokens"})),
        Heard("Hel", "", End("length", COUNTED)),
    ),
    "filtered": (
        sse(completed("incomplete", incomplete_details={"reason": "content_filter"})),
        Heard("", "", End("content-filter", COUNTED)),
    ),
    "no usage": (sse(said("Hi"), completed(usage=None)), Heard("Hi", "", End("stop", None))),
    "usage in no numbers": (
        sse(said("Hi"), completed(usage={"input_tokens": "7", "output_tokens": 1.5})),
        Heard("Hi", "", End("stop", None)),
    ),
    "thoughts beside the tokens": (
        sse(said("Hi"), completed(usage={"input_tokens": 7, "output_tokens": 2.0, "total_tokens": 19})),
        Heard("Hi", "", End("stop", Usage(input=7, output=12))),
    ),
    "nothing but thoughts": (
        sse(completed("incomplete", output=THOUGHTS, incomplete_details={"reason": "max_output_tokens"})),
        Heard("", "", End("length", COUNTED)),
    ),
    "the whole after thoughts": (
        sse(completed(output=[*THOUGHTS, {"content": [{"type": "output_text", "text": "Hello"}]}])),
        Heard("Hello", "", STOP),
    ),
    "carriage returns": (sse(said("Hi"), said(" there"), completed(), newline="\r"), Heard("Hi there", "", STOP)),
    "a byte order mark": ("\ufeff".encode() + sse(said("Hi"), completed()), Heard("Hi", "", STOP)),
    "only the whole, in parts without a type": (
        sse(completed(output=[{"content": [{"text": "Hello"}]}])),
        Heard("Hello", "", STOP),
    ),
    "only the whole": (
        sse(completed(output=[{"content": [{"type": "output_text", "text": "Hello"}]}])),
        Heard("Hello", "", STOP),
    ),
    "text before and an end after": (sse(said("Hi"), completed(), said("late")), Heard("Hi", "", STOP)),
    "no last blank line": (sse(said("Hi"), completed()).rstrip(b"\n"), Heard("Hi", "", STOP)),
}  # fmt: skip
CHAT = {
    "plain": (
        sse(chunk(role="assistant"), chunk(content="Hel"), chunk(content="lo"), chunk("stop"), LAST_USAGE, DONE),
        Heard("Hello", "", STOP),
    ),
    "usage with the end": (sse(chunk(content="Hi"), chunk("stop", CHAT_USAGE), DONE), Heard("Hi", "", STOP)),
    "usage in every chunk": (sse(chunk(None, CHAT_USAGE, content="Hi"), chunk("stop"), DONE), Heard("Hi", "", STOP)),
    "usage in the choice": (
        sse({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop", "usage": CHAT_USAGE}]}, DONE),
        Heard("Hi", "", STOP),
    ),
    "no usage": (sse(chunk(content="Hi"), chunk("stop"), DONE), Heard("Hi", "", End("stop", None))),
    "no [DONE]": (sse(chunk(content="Hi"), chunk("length"), LAST_USAGE), Heard("Hi", "", End("length", COUNTED))),
    "no finish_reason": (sse(chunk(content="Hi"), LAST_USAGE, DONE), Heard("Hi", "", End("other", COUNTED))),
    "reasoning": (
        sse(chunk(reasoning_content="Hm."), chunk(content="Hi"), chunk("stop"), DONE),
        Heard("Hi", "Hm.", End("stop")),
    ),
    "parts of a text": (
        sse(chunk(content=[{"type": "thinking"}, {"type": "text", "text": "Hi"}]), chunk("stop"), DONE),
        Heard("Hi", "", End("stop")),
    ),
    "usage before the text": (
        sse(chunk(usage=CHAT_USAGE), chunk(content="Hi"), chunk("stop"), DONE),
        Heard("Hi", "", End("stop", None)),
    ),
    "usage before the thoughts": (
        sse(chunk(content="Hi", usage=CHAT_USAGE), chunk(reasoning_content="Hm."), chunk("length"), DONE),
        Heard("Hi", "Hm.", End("length", None)),
    ),
    "another choice": (
        sse(chunk(content="Hi"), {"choices": [{"index": 1, "delta": {"content": "X"}}]}, chunk("stop"), "", " [DONE] "),
        Heard("Hi", "", End("stop")),
    ),
    "a delta after [DONE]": (
        sse(chunk(content="Hi"), chunk("stop"), DONE, chunk(content="late")),
        Heard("Hi", "", End("stop")),
    ),
    "an error as its end": (sse(chunk(content="Hi"), chunk("error")), Heard("Hi", problem=Broken)),
    "odd deltas": (
        sse({"choices": [{"delta": None}]}, {"choices": None}, chunk(content=None), chunk("stop"), DONE),
        Heard("", "", End("stop")),
    ),
}  # fmt: skip
CASES = [(ResponsesDecoder, *case) for case in RESPONSES.values()] + [(ChatDecoder, *case) for case in CHAT.values()]
NAMES = [*RESPONSES, *(f"chat {name}" for name in CHAT)]


@pytest.mark.parametrize(("kind", "stream", "expected"), CASES, ids=NAMES)
def test_a_stream_cut_at_any_byte_gives_the_same_reply(
    kind: type[ReplyDecoder], stream: bytes, expected: Heard
) -> None:
    assert decode(kind, [stream]) == expected
    for place in range(1, len(stream)):
        assert decode(kind, [stream[:place], stream[place:]]) == expected, place
    assert decode(kind, [stream[place : place + 1] for place in range(len(stream))]) == expected


@pytest.mark.parametrize(("kind", "stream", "expected"), CASES, ids=NAMES)
def test_a_stream_that_stops_early_is_never_taken_for_whole(
    kind: type[ReplyDecoder], stream: bytes, expected: Heard
) -> None:
    """Before the event that ends it; after that, what is missing is no loss."""
    last = stream.rstrip(b"\r\n").rfind(b"data:") if kind is ResponsesDecoder else stream.find(b'"finish_reason": "')
    for place in range(max(0, last)):
        heard = decode(kind, [stream[:place]])
        assert heard.end is None or heard == expected
        assert heard.end or heard.problem


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(alphabet=st.characters(), max_size=8), max_size=6),
    st.lists(st.integers(0, 2000), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_any_text_survives_any_cuts(
    texts: list[str], places: list[int], newline: str, ascii: bool, indent: int | None, is_chat: bool
) -> None:
    ascii = ascii or any("\ud800" <= char <= "\udfff" for text in texts for char in text)
    if is_chat:
        events = [*(chunk(content=text) for text in texts), chunk("stop"), LAST_USAGE, DONE]
    else:
        events = [*map(said, texts), completed()]
    stream = sse(*events, newline=newline, ascii=ascii, indent=indent)
    cuts = sorted({min(place, len(stream)) for place in places} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in pairwise(cuts)]
    whole = "".join(texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert decode(ChatDecoder if is_chat else ResponsesDecoder, pieces) == Heard(whole, "", STOP)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans())
def test_garbage_ends_in_a_problem_and_never_in_an_exception(pieces: list[bytes], is_chat: bool) -> None:
    heard = decode(ChatDecoder if is_chat else ResponsesDecoder, pieces)
    assert heard.problem is not None or heard.end is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "delta", "choices", "error", "response", "usage", "code", "status", "content",
                         "moderation", "input", "results", "flagged"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
TYPES = st.sampled_from(["response.output_text.delta", "response.completed", "response.failed", "error", "ping", None])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(TYPES, JSON), max_size=4), st.booleans())
def test_json_of_any_shape_is_read_without_an_exception(events: list[tuple[str | None, Any]], is_chat: bool) -> None:
    sent = [{"type": kind, **event} if isinstance(event, dict) and kind else event for kind, event in events]
    heard = decode(ChatDecoder if is_chat else ResponsesDecoder, [sse(*sent)])
    assert heard.problem is not None or heard.end is not None


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "their words"},
        {"type": "error", "error": {"code": "server_error", "message": "their words"}},
        {"type": "error", "error": "their words"},
        {"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error"}}},
        {"type": "response.completed", "response": {"status": "failed", "error": {"code": "server_error"}}},
        {"type": "response.failed", "response": None},
        {"error": {"code": 400}},
    ],
    ids=str,
)
def test_an_error_in_the_stream_keeps_the_text_before_it(event: dict[str, Any]) -> None:
    heard = decode(ResponsesDecoder, [sse(said("kept"), event, said("not this"))])
    assert (heard.text, heard.end) == ("kept", None)
    assert heard.problem is not None


@pytest.mark.parametrize(
    ("kind", "stream", "used"),
    [
        (ResponsesDecoder, sse(completed("failed", error={"code": "server_error"})), COUNTED),
        (ResponsesDecoder, sse(completed("failed", usage=None)), None),
        (ChatDecoder, sse(chunk(None, CHAT_USAGE, content="Hi"), {"error": {"code": "server_error"}}), COUNTED),
        (ChatDecoder, sse({"error": {"code": "server_error"}, "usage": CHAT_USAGE}), COUNTED),
        (ChatDecoder, sse(chunk(content="Hi"), {"error": "their words"}), None),
    ],
)
def test_what_a_call_that_failed_has_used_comes_with_its_problem(
    kind: type[ReplyDecoder], stream: bytes, used: Usage | None
) -> None:
    batch = kind().feed(stream)
    assert batch.problem is not None and batch.end is None
    assert batch.usage == used


RESULT = {"type": "moderation_result", "flagged": True}
CLEAN = {"type": "moderation_result", "flagged": False}
FLAGS = [
    ({"input": RESULT, "output": CLEAN}, True),
    ({"input": CLEAN, "output": RESULT}, False),
    ({"input": {"type": "moderation_results", "results": [CLEAN, RESULT]}}, True),
    ({"input": {"type": "moderation_results", "results": [CLEAN]}}, False),
    ({"input": {"type": "error", "code": "server_error", "message": "their words"}}, False),
    ({"input": {"results": [None, 7, {"flagged": "yes"}]}}, False),
    ({"input": [RESULT]}, False),
    (None, False),
]


@pytest.mark.parametrize(("moderation", "flagged"), FLAGS, ids=str)
def test_what_moderation_says_of_the_question_is_heard_in_either_api_s_form(moderation: Any, flagged: bool) -> None:
    heard = ResponsesDecoder().feed(sse(said("Hi"), completed(moderation=moderation)))
    assert heard.end and heard.flagged == flagged
    decoder = ChatDecoder()
    batches = [
        decoder.feed(sse(each)) for each in (chunk(content="Hi"), chunk("stop") | {"moderation": moderation}, DONE)
    ]
    assert batches[-1].end and [batch.flagged for batch in batches] == [False, flagged, False]


@pytest.mark.parametrize("kind", [ResponsesDecoder, ChatDecoder])
def test_json_nested_without_end_is_a_problem(kind: type[ReplyDecoder]) -> None:
    assert decode(kind, [b"data: " + b"[" * 200_000 + b"]" * 200_000 + b"\n\n"]).problem is Broken


def test_an_event_over_the_bound_is_a_problem_before_it_fills_the_memory() -> None:
    splitter = EventSplitter()
    piece = b"x" * 65_536
    with pytest.raises(ValueError, match="too large"):
        for _ in range(MAX_EVENT_BYTES // len(piece) + 2):
            splitter.feed(b"data: " + piece if not splitter._rest else piece)


def test_many_short_lines_of_one_event_are_bounded_too() -> None:
    splitter = EventSplitter()
    with pytest.raises(ValueError, match="too large"):
        for _ in range(MAX_EVENT_BYTES // 1000 + 2):
            splitter.feed(b"data: " + b"x" * 1000 + b"\n")


@pytest.mark.parametrize("count", [10**30, 2**53, -1, "7", None, 10**8])
def test_a_number_of_tokens_that_no_answer_can_have_is_none(count: object) -> None:
    usage = {"input_tokens": count, "output_tokens": 5}
    event = {"type": "response.completed", "response": {"status": "completed", "usage": usage}}
    batch = ResponsesDecoder().feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert batch.end and batch.end.usage and (batch.end.usage.input, batch.end.usage.output) == (0, 5)
