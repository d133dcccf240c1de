"""Reads the directives of a message, `[fake: name arguments; name arguments]`, into a `Plan`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_BRACKET = re.compile(r"\[fake:((?:\\.|[^\]\\])*)\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FREE_TEXT = ("text", "refusal", "summary", "reasoning-text")

CONTENT = {
    "text T": "the reply is T (its bracket holds nothing else; `\\]` and `\\n` are escapes)",
    "tokens N": "the reply is `tok ` N times",
    "refusal T": "the model refuses with T",
    "summary T": "a reasoning summary first (Chat: `reasoning_content`, as DeepSeek and vLLM do)",
    "reasoning-text T": "Chat: the same in the field `reasoning`, as newer vLLM does",
    "reasoning N": "N hidden reasoning tokens, billed as output, before the text",
    "delay MS": "milliseconds before each token",
    "hold N ...": "after N tokens, and after each further number: silence until the test says `go_on()`",
    "first S": "seconds before the first token",
    "cached N": "N of the input tokens came from the cache",
    "cache-write N": "N of the input tokens were written to the cache (`all`: every one)",
    "overrun N": "when the client goes away, N tokens more were generated, and are billed",
    "flagged": "moderation flags the input: refused where the request says `block`, scored otherwise",
    "unmoderated KIND": "the moderation endpoint answers with status N, with `empty` results, or after a `stall N`",
    "times N": "the faults hold for the first N calls with this message, then it works",
    "api NAME": "the directives hold for `responses` or `chat` only",
}
BEFORE = {
    "error CODE": "OpenAI's error of that code (see errors.py)",
    "status N": "a plain OpenAI error of that status",
    "body KIND": "what an error carries: `html`, `no-error`, `string`, `fastapi`, `empty`, `garbage`, `null`",
    "retry-after S": "the error's `Retry-After`; `none` leaves it out",
    "reset D": "the error's `x-ratelimit-reset-*`, such as `12ms`, `1s`, `6m0s`",
    "reset-connection": "RST instead of an answer",
    "hangup": "the connection is closed without an answer",
    "half-headers": "the connection ends in the middle of the headers",
    "not-http": "bytes that are no HTTP answer",
    "stall S": "S seconds before the headers (with no number after it: 3600)",
    "stall-first S": "headers at once, S seconds before the first event",
    "stall-created S": "headers and the first event at once, S seconds before the first token",
    "redirect URL": "307; without URL, to this server under the name `localhost`",
    "not-sse KIND": "200 with `html` or `json` where a stream was asked for",
    "empty-stream": "200, an event stream with nothing in it",
    "comments-only N": "200, N comments, end",
}
DURING = {
    "cut N": "after N tokens: RST",
    "end N": "after N tokens: the body ends cleanly, without a final event",
    "truncate N": "after N tokens: FIN in the middle of the chunked body",
    "hang N S": "after N tokens: S seconds of silence, then it goes on",
    "garbage N": "after N tokens: bytes that are neither SSE nor UTF-8",
    "bad-json N": "after N tokens: an event whose data is broken JSON, then the end",
    "json-scalar N": 'after N tokens: events whose data is `null`, `[]`, `7`, `"x"`; then it goes on',
    "error-event N KIND CODE": "Responses: an `error` event: `flat`, `nested` or `string`; then the end",
    "stream-error N KIND CODE": 'Chat: `data: {"error": ...}`: `dict` or `string`; then the end',
    "failed N CODE": "Responses: `response.failed`; Chat: as `stream-error`",
    "error-then-failed N CODE": "Responses: an `error` event, then `response.failed`",
    "too-long N": "`context_length_exceeded` inside the stream",
    "incomplete N REASON": "`response.incomplete` (`max_output_tokens`, `content_filter`); Chat: finish_reason",
    "completed-as STATUS": "`response.completed` around a response that is `incomplete` or `failed`",
    "no-usage": "the final event, or the stream, carries no usage",
    "usage-place P": "Chat: usage in the `last-content` chunk, in `choices`, or `always` in every chunk",
    "no-done": "Chat: no `[DONE]`",
    "no-finish": "Chat: no chunk has a finish_reason; `[DONE]` comes",
    "null-content": "Chat: chunks with `content: null` and with an empty delta",
    "unknown-events": "events and fields nobody knows, and keep-alives",
    "double-final": "the final event twice",
    "after-final": "more deltas after the final event",
    "surrogates": "an emoji's two halves in two deltas, as JSON escapes",
    "raw-utf8": "text in UTF-8 instead of JSON escapes",
    "crlf": "lines end in CR LF",
    "cr": "lines end in CR",
    "multiline": "each event's JSON spread over several `data:` lines",
    "comments": "comments between the events",
    "no-space": "`data:` without the space",
    "one-write": "the whole stream in one write",
    "split N": "N bytes a write, each its own chunk (1 = byte by byte)",
    "split-utf8": "every character of more than one byte split over two writes",
    "heedless": "the bound that the request set is not heeded",
    "endless": "text for ever, past any bound the request set",
    "huge-line MB": "a line without an end",
}
KNOWN = {line.split()[0]: line for part in (CONTENT, BEFORE, DURING) for line in part}
_FAULTS = {line.split()[0] for part in (BEFORE, DURING) for line in part}


class UnknownDirective(ValueError):
    """A directive that is a typing error; the server answers 400 so that the test notices."""


@dataclass
class Plan:
    """What a call shall do: for each directive its arguments."""

    given: dict[str, list[str]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def __str__(self) -> str:
        return "; ".join(" ".join([name, *arguments]) for name, arguments in self.given.items())

    def words(self, name: str) -> list[str]:
        """The arguments of `name` that are no numbers."""
        return [word for word in self.given.get(name, []) if not _is_number(word)]

    def word(self, name: str, default: str = "") -> str:
        return next(iter(self.words(name)), default)

    def number(self, name: str, default: float, position: int = 0) -> float:
        """The number at `position` among the numeric arguments of `name`."""
        numbers = [float(word) for word in self.given.get(name, []) if _is_number(word)]
        return numbers[position] if position < len(numbers) else default

    def count(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def without_faults(self) -> Plan:
        return Plan({name: args for name, args in self.given.items() if name not in _FAULTS})

    def merged(self, other: Plan) -> Plan:
        return Plan({**self.given, **other.given})


def parse(text: str) -> Plan:
    """The directives in `text`; outside brackets, nothing. Raises UnknownDirective."""
    plan = Plan()
    for inside in _BRACKET.findall(text):
        plan = plan.merged(parse_inside(inside))
    return plan


def parse_inside(inside: str) -> Plan:
    """The directives of one bracket, or of a string that needs none: `cut 5; delay 20`."""
    plan = Plan()
    name, _, rest = inside.strip().partition(" ")
    if name in _FREE_TEXT:
        plan.given[name] = [_ESCAPE.sub(_unescape, rest)]
        return plan
    for part in inside.split(";"):
        name, *arguments = part.split() or [""]
        if name and name not in KNOWN:
            raise UnknownDirective(name)
        if name:
            plan.given[name] = arguments
    return plan


def strip(text: str) -> str:
    """`text` without its directives: what the visitor said."""
    return _BRACKET.sub("", text).strip()


def as_plan(directive: str) -> Plan:
    """A plan from `[fake: cut 5]` or `cut 5`."""
    return parse(directive) if directive.lstrip().startswith("[fake:") else parse_inside(directive)


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(match[1], match[1])


def _is_number(word: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", word) is not None
