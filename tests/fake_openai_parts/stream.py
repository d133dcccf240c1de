"""Puts a reply's events and the plan's faults in order: the steps of a streamed answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from tests.fake_openai_parts import chat_api, responses_api
from tests.fake_openai_parts.calls import Call, Usage
from tests.fake_openai_parts.directives import Plan
from tests.fake_openai_parts.errors import by_code
from tests.fake_openai_parts.reply import DEFAULT_N, Reply
from tests.fake_openai_parts.steps import Event, Hold, Outcome, Pause, Raw, Step, Stop

Script = responses_api.Script | chat_api.Script
FOREVER_S = 3600.0
_ENDLESS_TOKENS = 5_000_000
_GARBAGE = b"\x00\xff\xfe<!doctype html>\xc3\x28 not an event\n\n\xf0\x9f\n\nid: 3\nretry: x\n\n"


def steps(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    """Every step of the answer to `call`; `call.usage` must follow what is sent."""
    reply = script.reply
    opening = script.opening()
    if "stall-first" in plan:
        yield Pause(plan.number("stall-first", FOREVER_S))
    if "stall-created" in plan:
        yield from islice(opening, 1)
        yield Pause(plan.number("stall-created", FOREVER_S))
    yield from opening
    yield Pause(plan.number("first", 0))
    delay = plan.number("delay", 0) / 1000
    fault, at = _fault(plan)
    holds = [int(each) for each in plan.given.get("hold", [])]
    pieces = islice(reply.endless(), _ENDLESS_TOKENS) if "endless" in plan else reply.pieces
    for position, piece in enumerate(pieces):
        if fault and position == at:
            yield from fault(script, call, plan)
        if position in holds:
            yield Hold()
        if "unknown-events" in plan:
            yield from script.unknown()
        yield Pause(delay)
        yield _delta(script, piece, call, plan)
    if fault and at >= len(reply.pieces):
        yield from fault(script, call, plan)
    yield from _closing(script, call, plan)


def _delta(script: Script, piece: str, call: Call, plan: Plan) -> Event:
    if isinstance(script, chat_api.Script) and plan.word("usage-place") == "always":
        return script.delta(piece, call.usage)
    return script.delta(piece)


def _closing(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    usage = None if "no-usage" in plan else call.usage
    status = plan.word("completed-as")
    closing = list(script.closing(usage, status, as_completed=bool(status)))
    outcome = status or ("incomplete" if script.reply.incomplete else "completed")
    yield Outcome(outcome)
    yield from closing
    if "double-final" in plan:
        yield closing[-1]
    if "after-final" in plan:
        yield replace(script.delta("late "), text="", tokens=0)


def _fault(plan: Plan) -> tuple[Callable[[Script, Call, Plan], Iterator[Step]] | None, int]:
    """The fault of the plan, and after how many tokens it comes."""
    for name, fault in _FAULTS.items():
        if name in plan:
            return fault, DEFAULT_N if name == "huge-line" else plan.count(name, DEFAULT_N)
    return None, 0


def _break_off(how: str) -> Callable[[Script, Call, Plan], Iterator[Step]]:
    def fault(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
        yield Outcome("fault")
        yield Stop(how)

    return fault


def _hang(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    yield Pause(plan.number("hang", FOREVER_S, position=1))


def _garbage(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    yield Outcome("fault")
    yield Raw(_GARBAGE)
    yield Stop("end")


def _bad_json(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    yield Outcome("fault")
    yield Event('{"type":"response.output_text.delta","delta":"cut he', "response.output_text.delta")
    yield Stop("end")


def _json_scalar(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    for data in ("null", "[]", "7", '"x"', "{}"):
        yield Event(data)


def _huge_line(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    yield Outcome("fault")
    yield Raw(b'data: {"type":"response.output_text.delta","delta":"')
    for _ in range(plan.count("huge-line", 8) * 16):
        yield Raw(b"x" * 65_536)
    yield Stop("end")


def _failed(script: Script, call: Call, plan: Plan, name: str = "failed") -> Iterator[Step]:
    error = by_code(plan.word(name, "server_error"))
    code = None if error.code is None else str(error.code)
    yield Outcome("failed")
    if name == "error-then-failed" or isinstance(script, chat_api.Script):
        yield script.error("nested", code, error.message)
    if isinstance(script, responses_api.Script):
        yield script.failed(code or "server_error", error.message, _usage_when_failed(call, plan))
    yield Stop("end")


def _error_then_failed(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    yield from _failed(script, call, plan, "error-then-failed")


def _in_stream_error(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    words = [*plan.words("error-event"), *plan.words("stream-error")]
    kind = next((word for word in words if word in ("flat", "nested", "dict", "string")), "flat")
    error = by_code(next((word for word in words if word != kind), "server_error"))
    yield Outcome("failed")
    yield script.error(kind, None if error.code is None else str(error.code), error.message)
    yield Stop("end")


def _too_long(script: Script, call: Call, plan: Plan) -> Iterator[Step]:
    yield from _failed(script, call, Plan({"failed": ["context_length_exceeded"]}))


def _usage_when_failed(call: Call, plan: Plan) -> Usage | None:
    return None if "no-usage" in plan or not call.usage.output else call.usage


_FAULTS: dict[str, Callable[[Script, Call, Plan], Iterator[Step]]] = {
    "cut": _break_off("reset"),
    "truncate": _break_off("fin"),
    "end": _break_off("end"),
    "hang": _hang,
    "garbage": _garbage,
    "bad-json": _bad_json,
    "json-scalar": _json_scalar,
    "huge-line": _huge_line,
    "failed": _failed,
    "error-then-failed": _error_then_failed,
    "error-event": _in_stream_error,
    "stream-error": _in_stream_error,
    "too-long": _too_long,
}


def make_script(api: str, identity: str, call: Call, reply: Reply, plan: Plan) -> Script:
    if api == "responses":
        return responses_api.Script(identity, call.body, reply)
    return chat_api.Script(identity, call.body, reply, plan)
