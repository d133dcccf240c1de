"""The watch finds a key in what is about to leave, whole or cut, in any form, and lets everything else pass."""

from __future__ import annotations

import base64
import random
import string
import time
from urllib.parse import quote

import pytest

from chatbot.key.shapes import MARK
from chatbot.key.watch import MOST_LASTING, RUN, Listener, Watch
from tests.fake_openai import make_key

KEYS = {
    "project": make_key(),
    "short project": make_key("proj", 58),
    "service account": make_key("svcacct"),
    "old": make_key(""),
    "another server's": "9f8e7d6c5b4a39281706",
}


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    return KEYS[request.param]


@pytest.fixture
def watch(key: str) -> Watch:
    made = Watch()
    made.add(key)
    return made


def forms(key: str) -> dict[str, str]:
    raw, half = key.encode(), len(key) // 2
    header = b"Authorization: Bearer " + raw
    found = {
        "whole": key,
        "reversed": key[::-1],
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "quoted": quote(key, safe=""),
        "url-safe": base64.urlsafe_b64encode(raw).decode(),
        "as OpenAI's errors quote it, but longer": key[:24] + "*" * 20 + key[-4:],
    }
    if half >= RUN + 11:  # what all keys begin with is no secret
        found |= {"first half": key[:half], "second half": key[half:]}
    return found | {f"base64 {shift}": base64.b64encode(b"x" * shift + header).decode() for shift in range(3)}


def test_a_key_is_found_in_every_form_wherever_it_stands(key: str, watch: Watch) -> None:
    for name, form in forms(key).items():
        for before in range(8):
            text = "." * before + form + "."
            assert watch.finds(text), f"{name} after {before}"
            start, end = watch.find(text)[0]
            assert text[start:end] in form


def test_a_run_of_twelve_characters_is_found_and_a_shorter_one_is_not(key: str, watch: Watch) -> None:
    for secret in key[11:].split(MARK):
        for start in range(len(secret) - RUN):
            assert watch.finds(f"at {secret[start : start + RUN]}!")
            assert watch.finds(f"at {secret[start : start + RUN].swapcase()}!")
            assert not watch.finds(f"at {secret[start : start + RUN - 1]}\n")


def test_what_all_keys_have_in_common_is_no_find(watch: Watch) -> None:
    public = ["sk-proj-", "sk-svcacct-", "sk-proj-...", "Bearer sk-proj-", "sk-svcacct-your-key-here", MARK]
    public += [MARK.encode().hex(), base64.b64encode(MARK.encode()).decode(), MARK.lower(), MARK[::-1]]
    for text in public:
        assert not watch.finds(text)


def test_a_stream_is_stopped_before_more_than_a_few_characters_are_out(key: str, watch: Watch) -> None:
    for size in (1, 2, 5, 11, 40):
        ear, out = Listener(watch), ""
        for at in range(0, len(key), size):
            if ear.hears(key[at : at + size]):
                break
            out += key[at : at + size]
        assert len(out) < RUN + len("sk-svcacct-"), f"{len(out)} characters in pieces of {size}"


@pytest.mark.parametrize("between", ["\u200b", "\u00ad", "\n"], ids=["zero width", "soft hyphen", "line break"])
def test_what_a_reader_does_not_see_hides_no_key(key: str, watch: Watch, between: str) -> None:
    for text in (between.join(key), key[:8] + between + key[8:]):
        assert Listener(watch).hears(text)
        ear = Listener(watch)
        assert any(ear.hears(letter) for letter in text)


def test_a_value_under_twelve_characters_is_no_secret_and_is_not_watched() -> None:
    watch = Watch()
    words = ("ollama", "EMPTY", "lm-studio", "sk-1234", "Zq8xKm2wPq1")
    for value in words:
        watch.add(value)
    assert not watch.finds(" ".join(words))
    watch.add("Zq8xKm2wPq12")
    assert watch.finds("the word is Zq8xKm2wPq12.")


def test_of_a_token_its_signature_is_watched_and_what_visitors_can_know_is_not() -> None:
    signature = "".join(random.choices(string.ascii_letters + string.digits, k=86))
    known = ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"RS256","typ":"JWT"}', b'{"iss":"https://issuer.example","aud":"https://openai.example"}')
    )
    watch = Watch()
    watch.add(f"{known}.{signature}", passing=True)
    assert not watch.finds(f"a token such as {known} is signed")
    for piece in (f"{known}.{signature}", signature[:RUN], signature[-RUN:]):
        assert watch.finds(piece)


def test_no_text_is_taken_for_a_key() -> None:
    watch = Watch()
    for value in KEYS.values():
        watch.add(value)
    noise = random.Random(7)
    for letters in (string.ascii_letters + string.digits, string.ascii_lowercase + "     ", "0123456789abcdef"):
        assert not watch.finds("".join(noise.choices(letters, k=1_000_000)))


@pytest.mark.parametrize(
    "key", ["password", "sk-proj-...", "sk-proj-", "sk-proj-good", "sk-svcacct-a1b2c3", "sk-", "12345678"]
)
def test_a_key_of_a_few_characters_beyond_its_beginning_breaks_nothing(key: str) -> None:
    watch = Watch()
    watch.add(key)
    assert watch.find("a good and ordinary text, sk-proj- and all, with primary colours and a password") == []


def test_keys_that_were_replaced_are_forgotten_before_one_in_use() -> None:
    watch, in_use = Watch(), make_key()
    watch.add(in_use)
    others = [make_key() for _ in range(MOST_LASTING + 2)]
    for other in others:
        watch.add(other)
        watch.add(in_use)
    assert watch.finds(in_use)
    assert [watch.finds(other) for other in others] == [False] * 3 + [True] * (MOST_LASTING - 1)


def test_the_watch_forgets_passing_values_but_no_lasting_one() -> None:
    watch = Watch()
    watch.add(KEYS["project"])
    tokens = ["".join(random.choices(string.ascii_letters, k=200)) for _ in range(5)]
    for token in tokens:
        watch.add(token, passing=True)
    assert [watch.finds(token) for token in tokens] == [False, True, True, True, True]
    assert watch.finds(KEYS["project"])


def test_a_token_of_a_stream_costs_a_few_microseconds(watch: Watch) -> None:
    chunk = 'data: {"type":"text-delta","id":"text-1","delta":" something"}\n\n'
    ear = Listener(watch)
    began = time.process_time()
    for _ in range(2000):
        ear.hears(chunk)
    assert (time.process_time() - began) / 2000 < 50e-6
