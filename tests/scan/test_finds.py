"""What the scan counts as a find, what it leaves alone, and what its allow-list may say."""

from __future__ import annotations

import hashlib
import io
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.scan.allow import FILE_NAME, read_allowed
from chatbot.scan.errors import CannotScan
from chatbot.scan.finds import OVERLAP_BYTES, PIECE_BYTES, Find, finds_in, printable
from tests.fake_openai_parts.keys import make_key
from tests.scan.planted import ANYWHERE, ASSIGNED, DJANGO, HARMLESS, LETTERS, ON_LINE_2, make_keys, random_text

MEGABYTES = 2


def finds(data: bytes) -> list[Find]:
    return list(finds_in(io.BytesIO(data).read))


def digits(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", ON_LINE_2)
def test_a_key_of_every_shape_is_found_once_on_its_line(name: str) -> None:
    for key in make_keys():
        assert [(find.line, find.fingerprint) for find in finds(ON_LINE_2[name](key))] == [(2, digits(key))]


@pytest.mark.parametrize("name", ANYWHERE)
def test_a_key_is_found_once_where_there_are_no_lines(name: str) -> None:
    for key in make_keys():
        assert [find.fingerprint for find in finds(ANYWHERE[name](key))] == [digits(key)]


def test_a_key_of_tomorrow_without_the_mark_is_found() -> None:
    key = "sk-proj-" + random_text(random.Random(1), LETTERS, 120)
    assert [find.fingerprint for find in finds(f"key={key}\n".encode())] == [digits(key)]


@pytest.mark.parametrize(("line", "characters", "length"), ASSIGNED)
def test_a_random_value_is_found_when_its_name_says_secret(line: str, characters: str, length: int) -> None:
    value = random_text(random.Random(2), characters, length)
    data = f"first\n{line.replace('VALUE', value)}\nthird\n"
    expected = [Find(2, "secret", digits(value))]
    assert finds(data.encode()) == expected
    assert finds(data.replace("\n", "\r\n").encode("utf-16")) == expected


@pytest.mark.parametrize("characters", [LETTERS, "0123456789abcdef", DJANGO])
def test_at_least_98_in_100_random_values_are_found(characters: str) -> None:
    dice = random.Random(3)
    values = [random_text(dice, characters, 40) for _ in range(1000)]
    found = {find.fingerprint for find in finds("".join(f"SECRET_KEY={value}\n" for value in values).encode())}
    assert len(found & {digits(value) for value in values}) >= 980


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert finds(f"first\n{line}\nthird\n".encode()) == []


@pytest.mark.parametrize(
    ("kind", "start", "length"),
    [
        ("GitHub token", "ghp_", 36),
        ("GitLab token", "glpat-", 20),
        ("Google key", "AIza", 35),
        ("Stripe key", "sk_live_", 24),
        ("Anthropic key", "sk-ant-api03-", 95),
    ],
)
def test_another_providers_key_is_found_without_a_name(kind: str, start: str, length: int) -> None:
    key = start + random_text(random.Random(4), LETTERS, length)
    assert finds(f'["{key}"]\n'.encode()) == [Find(1, kind, digits(key))]


@pytest.mark.parametrize("around", [-300, -OVERLAP_BYTES, -OVERLAP_BYTES // 2, -80, 0])
@pytest.mark.parametrize("encode", [str.encode, lambda text: text.encode("utf-16")], ids=["UTF-8", "UTF-16"])
def test_a_key_at_the_border_of_two_pieces_is_found_once(around: int, encode: Callable[[str], bytes]) -> None:
    key = make_key()
    data = encode("ä filler\n" + "0123456\n" * (2 * PIECE_BYTES // 8 + 9))
    at = len(encode("ä filler\n")) + (PIECE_BYTES + around) // 16 * 16
    data = data[:at] + encode(f"key={key}\n").removeprefix(b"\xff\xfe") + data[at:]
    assert [find.fingerprint for find in finds(data)] == [digits(key)]
    assert finds(data)[0].line == 1 + data[:at].count(b"\n")


def test_the_same_key_twice_is_found_at_both_lines() -> None:
    key = make_key()
    assert [find.line for find in finds(f"{key}\n\n{key} {key}\n".encode())] == [1, 3]


@pytest.mark.parametrize(
    "text",
    [
        "sk-",
        "sk-proj-",
        "T3Blbk" + "FJ",
        "a=",
        '"',
        "key=",
        'key="',
        "password: ",
        "://a:",
        "A",
        "s\0k\0-\0",
        "VDNCbGJrRko",
        "%2d ",
        "a=\n",
        "&#45;",
        "5433426c626b464a",
    ],
)
def test_hostile_text_takes_seconds_at_most(text: str) -> None:
    data = (text * (MEGABYTES * 2**20 // len(text))).encode()
    start = time.process_time()
    finds(data)
    assert time.process_time() - start < 5 * MEGABYTES


def test_a_name_is_shown_without_its_key_and_without_control_characters() -> None:
    key = make_key()
    assert printable(f"a/{key}.txt\x1b[2J\xff".encode("latin-1")) == "a/[secret].txt?[2J\N{REPLACEMENT CHARACTER}"


def allow(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder


def test_an_entry_covers_its_value_everywhere_or_at_its_path(tmp_path: Path) -> None:
    everywhere, here = read_allowed(
        allow(
            tmp_path,
            '[[allow]]\nfingerprint = "0123456789ab"\nreason = "a test value"\n'
            '[[allow]]\nfingerprint = "ba9876543210"\nreason = "revoked"\npath = "docs/a b.md"\n',
        )
    )
    assert everywhere.covers("0123456789ab", "any/file") and not everywhere.covers("ba9876543210", "any/file")
    assert here.covers("ba9876543210", "docs/a b.md") and not here.covers("ba9876543210", "docs/c.md")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[allow]]\nfingerprint = "0123456789ab"\n', "reason"),
        ('[[allow]]\nfingerprint = "0123456789ab"\nreason = " "\n', "reason"),
        ('[[allow]]\nfingerprint = "0123"\nreason = "short"\n', "fingerprint"),
        ('[[allow]]\nreason = "none"\n', "fingerprint"),
        ('[[allow]]\nfingerprint = "0123456789ab"\nreason = "x"\nline = "3"\n', "only"),
        ('[[allow]]\nfingerprint = 12\nreason = "x"\n', "text"),
        ('[[ignore]]\nfingerprint = "0123456789ab"\nreason = "x"\n', "[[allow]]"),
        ("allow = 1\n", "[[allow]]"),
        ("allow = [1]\n", "only"),
        ("not toml", "TOML"),
    ],
)
def test_an_allow_list_that_is_not_sound_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CannotScan) as refused:
        read_allowed(allow(tmp_path, text))
    assert said in refused.value.message and "\n" not in refused.value.message
    assert refused.value.exit_code == 2
