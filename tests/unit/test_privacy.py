"""What docs/privacy.md says is kept is what the tables and the code keep."""

from __future__ import annotations

import re
from pathlib import Path

from chatbot import chores
from chatbot.db import DAY_MS
from chatbot.money.budgets import KEPT_MS
from chatbot.tables import metadata
from chatbot.visitors.who import COOKIE_AGE_S

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text()
ROWS = {tuple(re.findall(r"`(\w+)`", row)): told for row, told in re.findall(r"^\| (`\w.*?) \| (.+) \|$", PAGE, re.M)}
KNOWN = {name: told for names, told in ROWS.items() for name in names}


def test_every_table_is_told_and_no_other() -> None:
    assert set(KNOWN) == set(metadata.tables)


def test_the_tables_that_are_said_to_hold_nothing_of_visitors_have_no_column_for_it() -> None:
    silent = {name for name, told in KNOWN.items() if told.startswith("nothing")}
    assert silent == {"keys", "sessions", "switches", "tallies", "usage_hours"}
    about_visitors = {"visitor", "network", "chat", "message", "scope", "subject", "text", "words", "title"}
    assert [name for name in silent if about_visitors & set(metadata.tables[name].columns.keys())] == []
    owners = {name for name, table in metadata.tables.items() if {"visitor", "network"} & set(table.columns.keys())}
    assert owners == {"chats", "ledger", "reservations"}


def test_no_table_has_a_column_for_an_address() -> None:
    names = {column.name for table in metadata.tables.values() for column in table.columns}
    assert not {name for name in names if re.search(r"(^|_)(ip|addr|address|host|agent|email)", name)}


def test_the_times_are_those_of_the_code() -> None:
    assert f"{KEPT_MS // DAY_MS} days" in KNOWN["budgets"]
    assert "The cookie lasts a year." in PAGE and COOKIE_AGE_S == 365 * 24 * 3600
    assert "within ten minutes" in PAGE and chores.EXPIRE_S == 600
