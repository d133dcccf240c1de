"""Holds the fake OpenAI to what the real SDK expects of the real one."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.fake_openai import FAULTS_BEFORE, FAULTS_DURING, FakeOpenAI, Fault, make_key

APIS = ("responses", "chat")
MODEL = "gpt-6-luna"
SHORT_S = 0.25
ENDINGS = {
    "response.completed": "ok",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "error": "failed",
}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client() as client:
        yield client


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def client(fake: FakeOpenAI, http: httpx2.Client) -> OpenAI:
    return make_client(fake, http)


def make_client(fake: FakeOpenAI, http: httpx2.Client, key: str = "") -> OpenAI:
    return OpenAI(api_key=key or fake.key, base_url=fake.base_url, max_retries=0, http_client=http, timeout=60)


def ask(client: OpenAI, api: str, text: str, **more):
    """A streamed call through the SDK."""
    if api == "responses":
        return client.responses.create(model=MODEL, input=text, stream=True, **more)
    messages = [{"role": "user", "content": text}]
    more.setdefault("stream_options", {"include_usage": True})
    return client.chat.completions.create(model=MODEL, messages=messages, stream=True, **more)


def read(stream, api: str) -> tuple[str, str, object]:
    """The text, the ending and the usage of a stream, as a careful client would have them."""
    return read_responses(stream) if api == "responses" else read_chat(stream)


def read_responses(stream) -> tuple[str, str, object]:
    text, ending, usage = "", "interrupted", None
    for event in stream:
        kind = getattr(event, "type", None)
        if ending == "interrupted" and kind in ("response.output_text.delta", "response.refusal.delta"):
            text += event.delta
        if kind in ENDINGS:
            ending = ENDINGS[kind]
        if kind in ("response.completed", "response.incomplete"):
            usage = event.response.usage
            ending = ending if event.response.status == "completed" else event.response.status
            reason = event.response.incomplete_details and event.response.incomplete_details.reason
            ending = {"max_output_tokens": "length", "content_filter": "filtered"}.get(reason, ending)
            content = event.response.output[-1].content[0]
            ending = "refusal" if content.type == "refusal" else ending
    return text, ending, usage


def read_chat(stream) -> tuple[str, str, object]:
    text, ending, usage = "", "interrupted", None
    for chunk in stream:
        usage = getattr(chunk, "usage", None) or usage
        for choice in getattr(chunk, "choices", None) or []:
            usage = getattr(choice, "usage", None) or usage
            if ending == "interrupted" and choice.delta:
                text += choice.delta.content or choice.delta.refusal or ""
                ending = "refusal" if choice.delta.refusal else ending
            if choice.finish_reason:
                ending = {"stop": "ok", "length": "length", "content_filter": "filtered"}[choice.finish_reason]
    return text, ending, usage


def joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


# The ordinary path


def test_a_streamed_response_has_openais_events_in_order(client: OpenAI, fake: FakeOpenAI) -> None:
    events = list(ask(client, "responses", "Hello [fake: summary I think.]"))
    kinds = [event.type for event in events]
    once = [kind for position, kind in enumerate(kinds) if kind not in kinds[:position]]
    assert once == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done", "response.reasoning_summary_part.done", "response.output_item.done",
        "response.content_part.added", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.completed",
    ]  # fmt: skip
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1].response
    assert (
        final.output_text
        == fake.calls[-1].text
        == "".join(e.delta for e in events if e.type == "response.output_text.delta")
    )
    assert final.usage.output_tokens_details.reasoning_tokens == 2


def test_typed_events_carry_nothing_the_sdk_does_not_know(client: OpenAI) -> None:
    for event in ask(client, "responses", "Hello [fake: summary I think.]"):
        assert not (event.model_extra or {}).keys() - {"obfuscation"}, event.type


@pytest.mark.parametrize("api", APIS)
def test_a_streamed_reply_is_whole_and_counted(client: OpenAI, fake: FakeOpenAI, api: str) -> None:
    text, ending, usage = read(ask(client, api, "Hi [fake: tokens 50; reasoning 7; cached 3]"), api)
    assert (text, ending) == ("tok " * 50, "ok")
    call = fake.calls[-1]
    assert call.outcome == "completed" and call.closed_at is None
    assert (call.usage.output, call.usage.reasoning, call.usage.cached) == (57, 7, 3)
    assert usage.total_tokens == call.usage.input + 57


@pytest.mark.parametrize("api", APIS)
def test_a_reply_can_come_in_one_piece(client: OpenAI, fake: FakeOpenAI, api: str) -> None:
    if api == "responses":
        answer = client.responses.create(model=MODEL, input="Hi [fake: text One two three]")
        text, output = answer.output_text, answer.usage.output_tokens
    else:
        messages = [{"role": "user", "content": "Hi [fake: text One two three]"}]
        answer = client.chat.completions.create(model=MODEL, messages=messages)
        text, output = answer.choices[0].message.content, answer.usage.completion_tokens
    assert (text, output) == ("One two three", 3)
    assert fake.wait_idle() and fake.calls[-1].outcome == "completed"


def test_a_reply_stops_at_the_bound_of_the_request(client: OpenAI, fake: FakeOpenAI) -> None:
    text, ending, usage = read(
        ask(client, "responses", "[fake: tokens 99; reasoning 6]", max_output_tokens=16), "responses"
    )
    assert (text, ending, usage.output_tokens) == ("tok " * 10, "length", 16)


def test_the_last_users_message_steers_whatever_its_shape(client: OpenAI) -> None:
    content = [{"type": "input_text", "text": "[fake: text New\\n\\] x]"}]
    history = [{"role": "user", "content": "[fake: status 500]"}, {"role": "assistant", "content": "Old"}]
    stream = client.responses.create(model=MODEL, input=[*history, {"role": "user", "content": content}], stream=True)
    assert read(stream, "responses")[0] == "New\n] x"


def test_models_tell_their_shutdown_date(client: OpenAI, fake: FakeOpenAI) -> None:
    dates = {model.id: model.shutdown_date for model in client.models.list()}
    assert dates["gpt-4o-mini"] == "2027-01-14" and dates[MODEL] is None
    fake.retire(MODEL)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(MODEL)


def test_moderation_flags_what_it_is_told_to(client: OpenAI) -> None:
    given = ["Hello", "[fake: flagged]"]
    assert [result.flagged for result in client.moderations.create(input=given).results] == [False, True]
    answer = client.responses.create(model=MODEL, input=given[1], moderation={"model": "omni-moderation-latest"})
    assert answer.moderation.input.flagged and not answer.moderation.output.flagged
    policy = {"model": "omni-moderation-latest", "policy": {"input": {"mode": "block"}}}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "responses", "[fake: flagged]", moderation=policy)
    assert caught.value.code == "moderation_blocked"


# What is refused


def test_a_revoked_key_is_quoted_in_part(fake: FakeOpenAI, client: OpenAI) -> None:
    fake.revoke(fake.key)
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client, "responses", "Hi")
    assert caught.value.code == "invalid_api_key" and fake.key[-4:] in caught.value.message
    assert caught.value.request_id == fake.calls[-1].request_id
    assert fake.key not in caught.value.message and not fake.bill().lines
    fake.restore(fake.key)
    assert read(ask(client, "responses", "Hi"), "responses")[1] == "ok"


def test_a_short_key_is_quoted_whole(fake: FakeOpenAI, http: httpx2.Client) -> None:
    with pytest.raises(openai.AuthenticationError, match="tooshort"):
        ask(make_client(fake, http, "tooshort"), "chat", "Hi")


def test_a_key_without_the_scope_is_no_wrong_key(fake: FakeOpenAI, client: OpenAI) -> None:
    fake.take_scope(fake.key)
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client, "responses", "Hi")
    assert caught.value.code == "missing_scope"


@pytest.mark.parametrize(
    ("api", "more", "code", "param"),
    [
        ("responses", {"extra_body": {"max_tokens": 5}}, "unknown_parameter", "max_tokens"),
        ("responses", {"extra_body": {"messages": []}}, "unknown_parameter", "messages"),
        ("responses", {"max_output_tokens": 5}, "integer_below_min_value", "max_output_tokens"),
        ("responses", {"safety_identifier": "x" * 65}, "string_above_max_length", "safety_identifier"),
        ("responses", {"stream_options": {"include_usage": True}}, "unknown_parameter", "stream_options.include_usage"),
        ("chat", {"extra_body": {"max_output_tokens": 50}}, "unknown_parameter", "max_output_tokens"),
        ("chat", {"max_tokens": 50}, "unsupported_parameter", "max_tokens"),
        ("chat", {"max_tokens": 50, "max_completion_tokens": 50}, "invalid_parameter_combination", "max_tokens"),
    ],
)
def test_a_bad_parameter_is_named(client: OpenAI, api: str, more: dict, code: str, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, api, "Hi", **more)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_an_assistants_turn_must_be_output_text(client: OpenAI) -> None:
    wrong = [
        {"role": "assistant", "content": [{"type": "input_text", "text": "Old"}]},
        {"role": "user", "content": "Hi"},
    ]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=MODEL, input=wrong)
    assert caught.value.param == "input[0].content[0]"


def test_models_that_are_gone_are_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="gpt-4", input="Hi")
    assert caught.value.code == "model_not_found"


def test_an_input_beyond_the_context_is_refused(http: httpx2.Client) -> None:
    with FakeOpenAI(context_tokens=100) as fake, pytest.raises(openai.BadRequestError) as caught:
        ask(make_client(fake, http), "chat", "word " * 100)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")


@pytest.mark.parametrize(("compat", "status"), [("vllm", 400), ("fastapi", 422)])
@pytest.mark.parametrize("name", ["store", "safety_identifier", "prompt_cache_key"])
def test_another_server_refuses_what_only_openai_knows(
    http: httpx2.Client, compat: str, status: int, name: str
) -> None:
    with FakeOpenAI(compat=compat) as fake:
        client = make_client(fake, http)
        with pytest.raises(openai.APIStatusError) as caught:
            ask(client, "chat", "Hi", **{name: False if name == "store" else "x"})
        assert caught.value.status_code == status
        assert read(ask(client, "chat", "Hi", max_tokens=64), "chat")[1] == "ok"


def test_a_directive_nobody_knows_is_an_error(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no directive"):
        ask(client, "chat", "[fake: explode]")


# The bill


@pytest.mark.parametrize("api", APIS)
def test_a_client_that_leaves_pays_what_was_made(client: OpenAI, fake: FakeOpenAI, api: str) -> None:
    stream = ask(client, api, "Hi [fake: tokens 1000; hold 30; overrun 10]")
    for _ in range(20):
        next(iter(stream))
    stream.close()
    assert fake.wait(lambda: fake.calls[-1].closed_at)
    call = fake.calls[-1]
    assert call.outcome == "closed"
    made = call.text.count("tok")
    assert 0 < made <= 30 and call.usage.output == made + 10
    assert fake.bill().nano_dollars == call.usage.input * 100 + call.usage.output * 500


def test_the_bill_has_a_line_for_each_call_that_ran(client: OpenAI, fake: FakeOpenAI) -> None:
    read(ask(client, "responses", "Hi [fake: tokens 4; cached 2]"), "responses")
    with pytest.raises(openai.RateLimitError):
        ask(client, "responses", "Hi [fake: error insufficient_quota]")
    with pytest.raises(openai.APIError):
        read(ask(client, "responses", "Hi [fake: cut 3; tokens 9]"), "responses")
    bill = fake.bill()
    assert [line.number for line in bill.lines] == [1, 3]
    assert bill.tokens("output") == 7
    assert bill.nano_dollars == (bill.tokens("input") - 2) * 100 + 2 * 10 + 7 * 500


@pytest.mark.parametrize("api", APIS)
def test_a_reply_that_is_held_goes_on_when_the_test_says_so(client: OpenAI, fake: FakeOpenAI, api: str) -> None:
    stream = ask(client, api, "Hi [fake: tokens 4; hold 1 3]")
    for tokens in (1, 3):
        assert fake.wait(lambda tokens=tokens: fake.calls and fake.calls[-1].text.count("tok") == tokens)
        assert not fake.wait_idle(SHORT_S)
        fake.go_on()
    assert read(stream, api)[:2] == ("tok tok tok tok ", "ok")


def test_endless_text_is_billed_up_to_the_bound(client: OpenAI, fake: FakeOpenAI) -> None:
    with ask(client, "responses", "[fake: endless]", max_output_tokens=50) as stream:
        for _ in range(300):
            next(iter(stream))
    assert fake.wait(lambda: fake.calls[-1].closed_at)
    assert fake.calls[-1].usage.output == 50 < fake.calls[-1].text.count(" ")


# The faults


def cases(faults: list[Fault]) -> list[object]:
    return [pytest.param(fault, api, id=f"{fault}-{api}") for fault in faults for api in fault.apis]


@pytest.mark.parametrize(("fault", "api"), cases(FAULTS_BEFORE))
def test_a_fault_before_the_first_byte_is_an_error_of_its_kind(
    fake: FakeOpenAI, client: OpenAI, fault: Fault, api: str
) -> None:
    client = client.with_options(timeout=SHORT_S) if fault.hint == "timeout" else client
    if fault.hint == "no_stream":
        assert ended(client, api, fault) in ("interrupted", "JSONDecodeError")
        return
    with pytest.raises(openai.APIError) as caught:
        read(ask(client, api, fault.message), api)
    kinds = {
        "key": openai.AuthenticationError, "rate": openai.RateLimitError, "money": openai.RateLimitError,
        "too_long": openai.BadRequestError, "blocked": openai.BadRequestError, "connection": openai.APIConnectionError,
        "timeout": openai.APITimeoutError,
    }  # fmt: skip
    assert isinstance(caught.value, kinds.get(fault.hint, openai.APIStatusError))
    code = fault.directive.split(";")[0].removeprefix("error ")
    if fault.hint in ("key", "money"):
        assert caught.value.code == code
    if fault.hint != "timeout":
        assert not fake.bill().lines


@pytest.mark.parametrize(("fault", "api"), cases([fault for fault in FAULTS_DURING if fault.hint != "endless"]))
def test_a_fault_in_the_stream_ends_as_its_hint_says(fake: FakeOpenAI, client: OpenAI, fault: Fault, api: str) -> None:
    client = client.with_options(timeout=SHORT_S if fault.hint == "timeout" else 60)
    ending = ended(client, api, fault)
    expected = {
        "ok": {"ok"}, "ok_no_usage": {"ok"}, "refusal": {"refusal", "ok"}, "length": {"length"},
        "filtered": {"filtered"},
        "interrupted": {"interrupted", "APIConnectionError", "UnicodeDecodeError", "JSONDecodeError"},
        "failed": {"failed", "APIError"}, "too_long": {"failed", "APIError"}, "timeout": {"APITimeoutError"},
    }  # fmt: skip
    if "no-finish" in fault.directive:
        assert ending == "interrupted"
    elif fault.hint != "any":
        assert ending in expected[fault.hint]
    outcomes = {"interrupted": "fault", "too_long": "failed", "length": "incomplete", "filtered": "incomplete",
                "failed": "failed", "timeout": "closed"}  # fmt: skip
    assert fake.wait_idle()
    if "no-done" not in fault.directive and fault.hint != "any":
        assert fake.calls[-1].outcome == outcomes.get(fault.hint, "completed")


def ended(client: OpenAI, api: str, fault: Fault) -> str:
    """How the stream ended: a hint, or the name of an exception."""
    try:
        text, ending, _ = read(ask(client, api, fault.message), api)
    except (openai.APIError, ValueError) as error:
        return type(error).__name__
    if ending == "ok" and "cut" not in fault.directive:
        assert joined(text).isprintable() or "\n" in text
    return ending


def test_a_queued_fault_holds_for_the_next_call_only(fake: FakeOpenAI, client: OpenAI) -> None:
    fake.fault("[fake: status 503]")
    with pytest.raises(openai.InternalServerError):
        ask(client, "chat", "Hi")
    assert read(ask(client, "chat", "Hi"), "chat")[1] == "ok"


def test_a_message_can_fail_once_and_then_work(client: OpenAI) -> None:
    with pytest.raises(openai.APIConnectionError):
        ask(client, "chat", "Hi [fake: hangup; times 1; tokens 3]")
    assert read(ask(client, "chat", "Hi [fake: hangup; times 1; tokens 3]"), "chat")[:2] == ("tok tok tok ", "ok")


def test_halves_of_a_character_come_in_two_deltas(client: OpenAI, fake: FakeOpenAI) -> None:
    text, _, _ = read(ask(client, "responses", "[fake: surrogates]"), "responses")
    assert "\ud83d" in text and joined(text) == fake.calls[-1].text == "Look: 😀 and 🎉 end."


def test_the_redirect_shows_whether_the_key_followed(client: OpenAI, fake: FakeOpenAI) -> None:
    with httpx2.Client(follow_redirects=True) as follower, pytest.raises(openai.AuthenticationError):
        ask(client.with_options(http_client=follower), "chat", "[fake: redirect]")
    first, second = fake.calls
    assert first.headers["authorization"].startswith("Bearer ") and "authorization" not in second.headers


def test_a_server_that_is_down_refuses_and_comes_back(fake: FakeOpenAI, client: OpenAI) -> None:
    with fake.down(), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", fake.port))
    assert read(ask(client, "chat", "Hi"), "chat")[1] == "ok"


def test_another_process_can_steer_it(fake: FakeOpenAI, client: OpenAI) -> None:
    def control(path: str, **body: object) -> object:
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(fake.base_url.replace("/v1", path), data) as answer:
            return json.load(answer)

    assert control("/_fault", directive="cut 2", times=1) == {"queued": 1}
    with pytest.raises(openai.APIError):
        read(ask(client, "responses", "[fake: tokens 9]"), "responses")
    assert control("/_bill")["tokens"]["output"] == 2
    assert [call["outcome"] for call in control("/_requests") if call["api"] == "responses"] == ["fault"]
    assert control("/_env")["OPENAI_BASE_URL"] == fake.base_url


def test_keys_have_openais_shapes() -> None:
    assert len(make_key()) == len("sk-proj-") + 74 + 8 + 74
    assert len(make_key("")) == len("sk-") + 20 + 8 + 20
    assert make_key("admin", 58).startswith("sk-" + "admin-")
