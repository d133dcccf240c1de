"""Keys and secrets, made at run time, and the places people leave them in: a file's bytes with a secret on line 2."""

from __future__ import annotations

import base64
import json
import marshal
import pickle
import quopri
import random
import re
import secrets
import sqlite3
import string
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fake_openai_parts.keys import make_key

SHAPES = [(kind, side) for kind in ("proj", "svcacct", "service", "admin") for side in (58, 74)] + [("", 20)]
KEY_CHARACTERS = string.ascii_letters + string.digits + "_-"


def make_keys() -> list[str]:
    """A new key of each shape, and one with the rarer characters of OpenAI's alphabet at its ends."""
    left, right = ("".join(secrets.choice(KEY_CHARACTERS) for _ in range(73)) for _ in range(2))
    return [make_key(*shape) for shape in SHAPES] + ["sk-proj-_" + left + "T3Blbk" + "FJ" + right + "-"]


def _text(line: str) -> Callable[[str], bytes]:
    return lambda key: f"first line\n{line.replace('KEY', key)}\nthird line\n".encode()


def _notebook(key: str) -> bytes:
    cell = {"cell_type": "code", "outputs": [], "source": ["import os\n", f'client = OpenAI(api_key="{key}")\n']}
    return b"\n" + json.dumps({"cells": [cell], "nbformat": 4}).encode()


def _minified(key: str) -> bytes:
    filler = "".join(f"function f{n}(t,e){{return t.token===e?{n}:e}}" for n in range(12_000))
    return f'/*! licence */\n{filler}var c=new O({{apiKey:"{key}",token:t}});{filler}'.encode()


def _sqlite(key: str) -> bytes:
    with TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "a.db")) as database:
        database.execute("create table settings (name text, value text, at text)")
        database.execute("insert into settings values ('openai', ?, '')", [key])
        database.commit()
        return (Path(folder) / "a.db").read_bytes()


def _wrapped(key: str) -> bytes:
    whole = base64.b64encode(f"DEBUG=1\nOPENAI_API_KEY={key}\nMORE={'x' * 60}\n".encode()).decode()
    return "\n".join(["data:", *(f"    {whole[at : at + 76]}" for at in range(0, len(whole), 76))]).encode()


def _kubernetes(key: str) -> bytes:
    value = base64.b64encode(key.encode()).decode()
    return f"kind: Secret\ndata: {{OPENAI_API_KEY: {value}, OTHER: aGVsbG8=}}\n".encode()


def _quoted_printable(key: str) -> bytes:
    return quopri.encodestring(f"Hello,\nthe key of our account is {key}, as you asked.\n".encode())


ON_LINE_2: dict[str, Callable[[str], bytes]] = {
    "app.py": _text('client = OpenAI(api_key="KEY")'),
    "single.py": _text("client = OpenAI(api_key='KEY')"),
    "config.json": _text('{"openai": {"key": "KEY"}}'),
    "escaped.json": _text(r'{"log": "a\nKEY\nb"}'),
    "twice.json": _text(r'{"log": "{\"key\": \"KEY\"}"}'),
    "values.yaml": _text("openaiKey: KEY # mine"),
    "list.yml": _text("  - KEY"),
    ".env": _text("OPENAI_API_KEY=KEY"),
    "quoted.env": _text("export OPENAI_API_KEY='KEY'"),
    "crlf.env": lambda key: f"A=1\r\nOPENAI_API_KEY={key}\r\nB=2\r\n".encode(),
    "no newline": lambda key: f"\n{key}".encode(),
    "url.txt": _text("https://example.org/?key=KEY&model=gpt"),
    "path.txt": _text("https://example.org/KEY/models"),
    "fragment.html": _text('<a href="/#KEY">x</a><input value=KEY>'),
    "page.html": _text("<script>key = `KEY`</script>"),
    "list.csv": _text("a,KEY,b"),
    "run.sh": _text('curl -H "Authorization: Bearer KEY" \\'),
    "Dockerfile": _text("ENV OPENAI_API_KEY KEY"),
    "settings.xml": _text("<key>KEY</key>"),
    "notes.md": _text("the key is **KEY**."),
    "glued.txt": _text("keyKEY"),
    "latin1.txt": lambda key: b"caf\xe9\n" + key.encode() + b"\xe9\n",
    "notebook.ipynb": _notebook,
    "app.min.js": _minified,
    "utf16.env": lambda key: f"Größe=上\r\nOPENAI_API_KEY={key}\r\n".encode("utf-16"),
    "utf16be.txt": lambda key: b"\xfe\xff" + f"a\n{key}\n".encode("utf-16-be"),
    "utf16 without mark.txt": lambda key: f"a long first line\r\n{key}\r\n".encode("utf-16-le"),
    "utf16be without mark.txt": lambda key: f"a long first line\r\n{key}\r\n".encode("utf-16-be"),
    "utf32.txt": lambda key: f"a\n{key}\n".encode("utf-32"),
    "appended by PowerShell.env": lambda key: b"A=1\n" + f"OPENAI_API_KEY={key}\r\n".encode("utf-16-le"),
    "secret.yaml": _kubernetes,
    "basic.http": lambda key: b"GET / HTTP/1.1\nAuthorization: Basic " + base64.b64encode(f"user:{key}".encode()),
    "percent.txt": lambda key: b"\n?key=" + key.replace("-", "%2D").replace("_", "%5f").encode() + b"%26x",
    "percent of all.txt": lambda key: b"\n?key=" + "".join(f"%{ord(sign):02x}" for sign in key).encode() + b"&x",
    "entities.html": lambda key: b"\n<b>" + key.replace("-", "&#45;").replace("_", "&#x5F;").encode() + b"</b>",
    "entities of all.html": lambda key: b"\n<b>" + "".join(f"&#{ord(sign)};" for sign in key).encode() + b"</b>",
    "escaped.js": lambda key: b"\nk='" + key.replace("-", r"\x2d").replace("_", r"\u{5f}").encode() + b"'",
    "escaped of all.json": lambda key: b'{\n"k": "' + "".join(rf"\u{ord(sign):04x}" for sign in key).encode() + b'"}',
    "hex.txt": lambda key: b"\nkey=" + key.encode().hex().encode() + b"\n",
    "HEX.txt": lambda key: b"\nkey=0x" + f"ab{key}".encode().hex().upper().encode() + b"\n",
    "urlsafe.txt": lambda key: b"\n" + base64.urlsafe_b64encode(f"a {key} b".encode()).rstrip(b"="),
}
ANYWHERE: dict[str, Callable[[str], bytes]] = {
    "mail.eml": _quoted_printable,
    "dump.hex": lambda key: b"first\n" + re.sub(rb"(.{60})", rb"\1\n", f"A={key}\n".encode().hex().encode()),
    "wrapped.yaml": _wrapped,
    "module.pyc": lambda key: b"\xa7\r\r\n" + bytes(12) + marshal.dumps(compile(f"KEY = {key!r}\nB = 1", "m", "exec")),
    "store.sqlite": _sqlite,
    "data.pickle": lambda key: pickle.dumps({"key": key, "other": "value"}),
    "program.exe": lambda key: random.Random(1).randbytes(5000) + b"\0" + key.encode() + b"\0" + bytes(500),
    "wide.exe": lambda key: random.Random(2).randbytes(5001) + key.encode("utf-16-le") + bytes(500),
}


def random_text(dice: random.Random, characters: str, length: int) -> str:
    """Random characters: by dice of a known seed, since one value in some hundreds does not look random."""
    return "".join(dice.choice(characters) for _ in range(length))


LETTERS = string.ascii_letters + string.digits
DJANGO = string.ascii_lowercase + string.digits + "!@#$%^&*(-_=+)"
ASSIGNED: list[tuple[str, str, int]] = [
    # the file's second line, and the characters and length of the value
    ('api_key = "VALUE"', LETTERS, 32),
    ('api_key: str = "VALUE"', LETTERS, 40),
    ("SECRET_KEY=VALUE", LETTERS, 40),
    ("SECRET_KEY=VALUE", DJANGO, 50),
    ("SECRET_KEY = 'VALUE'", DJANGO, 50),
    ("export DB_PASSWORD=VALUE", LETTERS, 24),
    ("password: VALUE", LETTERS, 32),
    ("  password: 'VALUE'  # production", LETTERS, 24),
    ('"password": "VALUE",', LETTERS, 32),
    (r'"source": ["token = \"VALUE\"\n"]', LETTERS, 40),
    ('const clientSecret = "VALUE";', LETTERS, 40),
    ("let apiKey: string = 'VALUE';", LETTERS, 32),
    ("x={apiKey:`VALUE`,n:1}", LETTERS, 32),
    ('apiKey := "VALUE"', LETTERS, 32),
    ("'api_key' => 'VALUE',", LETTERS, 32),
    ('#define API_KEY "VALUE"', LETTERS, 32),
    ('os.environ["API_TOKEN"] = "VALUE"', LETTERS, 40),
    ('os.getenv("API_TOKEN", "VALUE")', LETTERS, 40),
    ("aws_secret_access_key = VALUE", LETTERS + "+/", 40),
    ("<password>VALUE</password>", LETTERS, 24),
    ('<add key="ApiKey" value="VALUE"/>', LETTERS, 32),
    ("https://example.org/?api_key=VALUE&x=1", LETTERS, 32),
    ("postgresql://user:VALUE@host/db", LETTERS, 24),
    ("curl -H 'X-Api-Key: VALUE'", LETTERS, 40),
    ("Authorization: Bearer VALUE", LETTERS, 40),
    ("ENV API_KEY VALUE", LETTERS, 32),
    ("tool --password VALUE --quiet", LETTERS, 24),
    ("[{name: API_KEY, value: VALUE}]", LETTERS, 32),
    ('api_key = "VALUE"', string.hexdigits[:16], 32),
    ("SECRET_KEY=VALUE", string.hexdigits[:16], 64),
    ('builder.apiKey("VALUE").build()', LETTERS, 32),
    ('headers.set("x-api-key", "VALUE")', LETTERS, 32),
    (r'"{\\"password\\": \\"VALUE\\"}"', LETTERS, 24),
    ("password=VALUE  # of the test machine", LETTERS + "!%*", 18),
    ("MAILGUN_KEY=VALUE", string.hexdigits[:16], 32),
]
# What people write in such places that is no secret.
HARMLESS = [
    'api_key = "your-api-key-goes-here-1234"',
    'api_key = os.environ["OPENAI_API_KEY_2"]',
    "OPENAI_API_KEY=sk-...",
    "OPENAI_API_KEY=sk-" + "x" * 48,
    "OPENAI_API_KEY=sk-proj-" + "x" * 58 + "T3Blbk" + "FJ" + "X" * 58,
    "sk-proj-this-is-where-your-key-from-2-steps-ago-Goes-in-full",
    "SECRET_KEY=${SECRET_KEY_FROM_VAULT_2}",
    "password: {{ vault_database_password_v2 }}",
    "password = hashlib.sha256(salt2 + name).hexdigest()",
    "token: MyOAuth2TokenEndpointFactoryV2,",
    "token_url = 'https://login.example.org/oauth2/v2.0/token'",
    "secret_name = 'prod/eu-west-1/database-3/credentials'",
    "key = '550e8400-e29b-41d4-a716-446655440000'",
    "api_key: 550e8400-e29b-41d4-a716-446655440000",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "password = 'pbkdf2_sha256$600000$Vo0VlMnkR4Bk$qEvtdyZRWTcOsCnI7oQ7fVOu1XAURIZYoOZ3iq8Dr4M='",
    "token.py,sha256=2DLXjcQue0gtcNYQ56GKl2kRZ2mGzxV_0mREVIyjg1M,14092",
    '"integrity": "sha512-qEvtdyZRWTcOsCnI7oQ7fVOu1XAURIZYoOZ3iq8Dr4MqEvtdyZRWTcOsCnI7oQ7fVOu1"',
    "public_key = 'AAAAC3NzaC1lZDI1NTE5AAAAIJ2DLXjcQue0gtcNYQ56GKl2kRZ2mGzxV'",
    "next_token = 'CNye4dqFMBICAAEYhOKlDZZz6IVKI5xMjIUgmFsNQ'",
    "password: cGxlYXNlIGNoYW5nZSB0aGlzIHBhc3N3b3JkIQ==",
    "api_key = '00000000000000000000000000000000'",
    "api_key = 'abcdefghijklmnopqrstuvwxyz012345'",
    "token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N'",
    '"tokenAddress": "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9",',
    '"password": "\\u5bc6\\u78bc\\u9078\\u9805",',
    "batch_1_day_max_input_tokens: batch_1_day_max_input_tokens,",
]
