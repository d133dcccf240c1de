"""The history: listed in pages, searched in titles and texts, renamed; the same on both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from chatbot.db import now_ms, writing
from chatbot.history.forgetting import forget_words, go_on_forgetting
from chatbot.history.passages import ROW_WORDS, index, index_rest
from chatbot.history.words import words
from chatbot.tables import chats, messages, passages
from tests.fake_openai import FakeOpenAI, make_key
from tests.services.money import new_database
from tests.services.shelves import Shelf, app_over
from tests.unit.test_openapi import faults
from tests.visitor import new_id

LONG = "word " * (3 * ROW_WORDS)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture(scope="module")
def apps(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, upstream: FakeOpenAI
) -> Iterator[dict[str, Flask]]:
    file = tmp_path_factory.mktemp("history") / "chat.db"
    urls = {"sqlite": f"sqlite:///{file}", "postgresql": new_database(postgres_url)}
    with ExitStack() as stack:
        yield {name: stack.enter_context(app_over(url, **upstream.env)) for name, url in urls.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, apps: dict[str, Flask]) -> Flask:
    return apps[request.param]


@pytest.fixture
def shelf(app: Flask) -> Shelf:
    return Shelf(app)


def test_pages_have_every_chat_once_in_their_order(shelf: Shelf) -> None:
    kept = [(time, shelf.keep(f"At {time}", updated_at=time)) for time in (5, 9, 9, 9, 9, 9, 7, 5, 5, 1)]
    shelf.keep("Temporary", updated_at=9, temporary=1)
    for limit in (1, 3, 4, 10, 100):
        walked: list[tuple[int, str]] = []
        place = {}
        for _ in range(20):
            page = shelf.page(limit=limit, **place)
            assert len(page["chats"]) <= limit
            walked += [(chat["updated_at"], chat["id"]) for chat in page["chats"]]
            if page["before"] is None:
                break
            place = {"before": page["before"]}
        assert len(walked) == len(set(walked)), "one was shown twice"
        assert sorted(walked) == sorted(kept)
        assert [time for time, _ in walked] == sorted((time for time, _ in walked), reverse=True)
    assert [chat["updated_at"] for chat in shelf.page(before=7)["chats"]] == [5, 5, 5, 1]
    assert shelf.page(before=0) == {"chats": [], "before": None}
    assert set(shelf.page()["chats"][0]) == {"id", "title", "created_at", "updated_at", "live"}


def test_a_search_is_paged_like_the_list(shelf: Shelf) -> None:
    kept = {shelf.keep("Trains", "of trains", updated_at=time) for time in (3, 3, 3, 2, 1)}
    shelf.keep("Ships")
    walked: list[str] = []
    place = {}
    while page := shelf.page(q="trains", limit=2, **place):
        walked += [chat["id"] for chat in page["chats"]]
        if page["before"] is None:
            break
        place = {"before": page["before"]}
    assert len(walked) == 5 and set(walked) == kept


@pytest.mark.parametrize(
    "field,query",
    [
        *(("limit", {"limit": limit}) for limit in ("0", "101", "-1", "1.5", "x", "", "1" * 9, "٣")),
        *(
            ("before", {"before": before})
            for before in ("", "x", "-", "1-", "-1", "1" * 16, "1-" + "x" * 65, "1-ä", "٣")
        ),
        ("q", {"q": "x" * 501}),
    ],
)
def test_a_bad_page_is_refused_with_its_field(shelf: Shelf, field: str, query: dict[str, str]) -> None:
    status, problem = shelf.call("GET", "/api/chats", **query)
    assert (status, problem["code"], problem["field"]) == (400, "bad_request", field)


def test_titles_and_texts_are_searched_by_all_words_of_a_query(shelf: Shelf) -> None:
    old = shelf.keep("Zebras in Kenya", "Where do zebras sleep?", "On their feet,\n mostly.")
    new = shelf.keep("Notes", "A crosswalk is also called a zebra crossing.", updated_at=2)
    assert shelf.found("zebra") == [new, old], "the newest first"
    assert shelf.found("ZEBRAS") == [old]
    assert shelf.found("feet kenya") == [old], "one in the title, one in a text"
    assert shelf.found("sleep mostly") == [old], "in two messages"
    assert shelf.found("sleep crosswalk") == []
    assert shelf.found("ebra") == []
    assert shelf.found("") == shelf.found("  ") == [new, old]
    assert shelf.found("?!") == []
    assert shelf.snippet("feet") == "On their feet, mostly."
    assert shelf.snippet("keny") is None, "the title says it"


def test_what_one_types_finds_from_the_second_letter_on(shelf: Shelf) -> None:
    kept = shelf.keep("Untitled", "A quokka smiles")
    assert [shelf.found("quokka"[:end]) == [kept] for end in range(1, 7)] == [False, *[True] * 5]
    assert shelf.found("smi quokka") == [] and shelf.found("quokka smi") == [kept]
    assert shelf.found("quo ") == []


@pytest.mark.parametrize(
    "said,sought",
    [
        ("Crème brûlée", "creme BRULEE"),
        ("creme brulee", "crème"),
        ("Größe", "GRÖSSE"),
        ("今日は東京都の天気がいいです。", "京都の天気"),
        ("今日は東京都の天気がいいです。", "天"),
        ("오늘은 날씨가 좋네요", "날씨"),
        ("ภาษาไทยไม่ยาก", "ไทย"),
        ("ＡＢＣ ｶﾞﾗｽ", "abc ガラス"),
        ("हिन्दी भाषा", "हिन्दी"),
        ("see foo_bar(x) or http://example.org/a-path?b", "example path bar"),
    ],
)
def test_writing_is_found_in_its_other_forms(shelf: Shelf, said: str, sought: str) -> None:
    kept = shelf.keep("Untitled", said)
    assert shelf.found(sought) == [kept]
    assert shelf.snippet(sought) == said


def test_parts_of_a_writing_without_spaces_are_found_only_where_they_stand_so(shelf: Shelf) -> None:
    shelf.keep("Untitled", "東京から京都まで")
    assert shelf.found("東京都") == []


def test_a_long_chat_is_found_by_words_that_stand_far_apart(shelf: Shelf) -> None:
    kept = shelf.keep("Untitled", "alpha " + LONG, LONG + "omega", f"{LONG}東西{'南北' * ROW_WORDS}")
    assert shelf.found("alpha omega") == shelf.found("東西南北") == [kept]
    assert "omega" in str(shelf.snippet("omega"))
    cut = "word " * (ROW_WORDS - 1) + "一二三"
    assert shelf.found("一二三") == []
    assert shelf.keep("Untitled", cut) in shelf.found("一二三"), "it stands where a row ends"


def test_what_the_history_says_is_as_it_is_described(shelf: Shelf) -> None:
    id = shelf.keep("Zebras", "They have stripes", updated_at=2)
    shelf.keep("Zebras", "These, too")
    page = shelf.page(q="stripes")
    assert page["chats"][0]["snippet"] == "They have stripes"
    for told in (page, shelf.page(limit=1)):
        assert faults({"$ref": "#/components/schemas/ChatPage"}, told) == []
    changed = shelf.call("PATCH", f"/api/chats/{id}", {"title": "Other"})[1]
    assert faults({"$ref": "#/components/schemas/Chat"}, changed) == []


def test_another_visitors_chats_are_neither_listed_nor_found_nor_renamed(app: Flask) -> None:
    one, other = Shelf(app), Shelf(app)
    mine, others = one.keep("Secret plan", "the plan"), other.keep("Secret plan", "the plan")
    for shelf, id in ((one, mine), (other, others)):
        assert shelf.found("plan") == shelf.found("") == [id]
    unknown = one.call("PATCH", f"/api/chats/{new_id()}", {"title": "Mine"})
    assert one.call("PATCH", f"/api/chats/{others}", {"title": "Mine"}) == unknown
    assert one.call("PATCH", f"/api/chats/{others}", {"head": "m0"}) == unknown
    assert unknown[0] == 404
    assert other.found("secret") == [others]


def test_visitors_who_share_a_mark_still_do_not_find_each_others_chats(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("passages", "search"):
        monkeypatch.setattr(f"chatbot.history.{module}.mark", lambda visitor: "0000")
    one, other = Shelf(app), Shelf(app)
    one.keep("Secret plan", "the plan")
    assert len(one.found("plan")) == 1
    assert other.found("plan") == []


def test_a_renamed_chat_is_found_by_its_new_title_alone_and_keeps_its_place(shelf: Shelf) -> None:
    id = shelf.keep("Zebras", "Hello", updated_at=5)
    status, told = shelf.call("PATCH", f"/api/chats/{id}", {"title": " About \n quokkas ", "unknown": 1})
    assert status == 200
    assert (told["id"], told["title"], told["updated_at"]) == (id, "About quokkas", 5)
    assert told == shelf.call("GET", f"/api/chats/{id}")[1]
    assert shelf.found("quokkas") == shelf.found("hello") == [id]
    assert shelf.found("zebras") == []
    assert shelf.call("PATCH", f"/api/chats/{id}", {"title": "a\0b"})[1]["title"] == "a\ufffdb"


@pytest.mark.parametrize(
    "body,status,field",
    [
        ({"title": ""}, 400, "title"),
        ({"title": " \n"}, 400, "title"),
        ({"title": 5}, 400, "title"),
        ({"title": None}, 400, "title"),
        ({"head": []}, 400, "head"),
        ({"title": "x" * 201}, 413, "title"),
        ({"title": "my " + make_key()}, 422, "title"),
        ({"other": 1}, 400, "title"),
        ([], 400, "body"),
        (b"{", 400, None),
        (b"", 400, None),
        (b'{"title": "\\ud800"}', 400, None),
    ],
)
def test_a_bad_name_is_refused_with_its_field(shelf: Shelf, body: object, status: int, field: str | None) -> None:
    id = shelf.keep("Zebras")
    told = shelf.call("PATCH", f"/api/chats/{id}", body)
    assert (told[0], told[1].get("field")) == (status, field)
    assert shelf.page()["chats"][0]["title"] == "Zebras"


def test_a_version_is_chosen_and_a_title_given_at_once_or_neither(shelf: Shelf) -> None:
    id = shelf.keep("Zebras", "first", "second")
    status, told = shelf.call("PATCH", f"/api/chats/{id}", {"title": "Other", "head": "m1"})
    assert (status, told["title"], told["messages"][-1]["id"]) == (200, "Other", "m1")
    status, told = shelf.call("PATCH", f"/api/chats/{id}", {"title": "Third", "head": "nothing"})
    assert (status, told["field"]) == (404, "head")
    assert shelf.found("other") == [id] and shelf.found("third") == []


def test_an_answer_is_found_as_soon_as_it_has_ended(shelf: Shelf, upstream: FakeOpenAI) -> None:
    chat = new_id()
    shelf.say(chat, "[fake: text quokkas smile]")
    assert shelf.found("quokkas smile") == [chat]
    question = shelf.call("GET", f"/api/chats/{chat}")[1]["messages"][0]["id"]
    shelf.say(chat, "[fake: text zebras run]", messageId=question)
    upstream.fault("text lions roar")
    shelf.say(chat, "", trigger="regenerate-message")
    for said in ("quokkas smile", "zebras run", "lions roar"):
        assert shelf.found(said) == [chat], "in every version"


def test_an_answer_that_goes_on_is_found_by_its_whole_words_once(shelf: Shelf, upstream: FakeOpenAI) -> None:
    chat = new_id()
    answer = shelf.say(chat, "[fake: tokens 9; cut 4]")
    assert shelf.found("tok ") == [chat]
    upstream.fault("text yo and Kyoto")
    shelf.say(chat, "", messages=[{"id": answer, "role": "assistant", "parts": []}])
    assert shelf.found("yo kyoto") == [chat]
    with shelf.engine.connect() as connection:
        sizes = connection.execute(select(passages.c.size).where(passages.c.chat == chat, passages.c.number > 0)).all()
        waiting = select(messages.c.id).where(messages.c.chat == chat, messages.c.searchable == 0)
        assert connection.execute(waiting).all() == []
    assert sizes == [(len(words("fake tokens 9 cut 4 tok tok tok tok yo and kyoto")),)]


def test_a_message_that_has_changed_is_found_by_what_it_says_now(shelf: Shelf) -> None:
    id = shelf.keep("Untitled", "quokkas", "zebras", "lions")
    with writing(shelf.engine) as connection:
        second = (messages.c.chat == id) & (messages.c.id == "m1")
        connection.execute(update(messages).where(second).values(text="tigers", searchable=0))
    index(shelf.engine, id)
    assert shelf.found("zebras") == []
    for word in ("quokkas", "tigers", "lions"):
        assert shelf.found(word) == [id]


def test_nothing_of_a_temporary_chat_is_kept_for_a_search(shelf: Shelf) -> None:
    id = shelf.keep("Secret", "quokkas", temporary=1)
    index_rest(shelf.engine)
    assert shelf.found("quokkas") == shelf.found("") == []
    with shelf.engine.connect() as connection:
        assert connection.execute(select(passages).where(passages.c.chat == id)).all() == []


def test_what_nobody_has_indexed_is_found_by_and_by_but_no_half_answers(shelf: Shelf) -> None:
    ids = [shelf.keep("Untitled", f"quokka{number}", indexed=False) for number in range(3)]
    streaming = {"chat": ids[2], "id": "live", "role": "assistant", "text": "half", "created_at": 9}
    with writing(shelf.engine) as connection:
        connection.execute(insert(messages), {**streaming, "status": "streaming", "heartbeat_at": now_ms()})
    assert shelf.found("quokka") == []
    index_rest(shelf.engine)
    assert set(shelf.found("quokka")) == set(ids[:2])
    index(shelf.engine, ids[2])
    assert set(shelf.found("quokka")) == set(ids) and shelf.found("half") == []
    assert {chat["id"]: chat["live"] for chat in shelf.page()["chats"]} == {ids[0]: False, ids[1]: False, ids[2]: True}
    with writing(shelf.engine) as connection:
        connection.execute(update(messages).where(messages.c.id == "live").values(heartbeat_at=1))
    assert not any(chat["live"] for chat in shelf.page()["chats"]), "its worker died"
    with writing(shelf.engine) as connection:
        connection.execute(update(messages).where(messages.c.id == "live").values(status="interrupted"))
    index_rest(shelf.engine)
    assert shelf.found("half") == [ids[2]]


def test_a_deleted_chat_is_not_found(shelf: Shelf) -> None:
    gone, kept = shelf.keep("Zebras", LONG + "stripes"), shelf.keep("Zebras", "stripes")
    assert set(shelf.found("stripes")) == {gone, kept}
    with writing(shelf.engine) as connection:
        connection.execute(delete(chats).where(chats.c.id == gone))
    assert shelf.found("stripes") == shelf.found("zebras") == [kept]
    index(shelf.engine, gone)
    with shelf.engine.connect() as connection:
        assert connection.execute(select(passages.c.id).where(passages.c.chat == gone)).all() == []


def test_no_word_of_a_deleted_chat_is_left_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    with app_over(f"sqlite:///{file}") as app:
        shelf = Shelf(app)
        kept = [shelf.keep(f"Untitled {number}", f"common words {number}") for number in range(30)]
        gone = shelf.keep("Quokkatitle", "quokkatext", "quokkamore " + LONG)
        shelf.keep("Untitled", "lastwords")
        assert b"quokkatext" in in_file(file)
        with writing(shelf.engine) as connection:
            connection.execute(delete(chats).where(chats.c.id == gone))
        forget_words(shelf.engine)
        assert b"quokka" not in in_file(file)
        assert len(shelf.found("common")) == len(kept), "and the others are"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("INSERT INTO passages_words (passages_words) VALUES ('integrity-check')")


def in_file(file: Path) -> bytes:
    """The bytes of a database after a VACUUM."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.read_bytes() + file.with_name(file.name + "-wal").read_bytes()


def test_a_large_index_forgets_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.history.forgetting.PAGES", 1)
    file = tmp_path / "chat.db"
    with app_over(f"sqlite:///{file}") as app:
        shelf = Shelf(app)
        for number in range(200):
            shelf.keep("Untitled", " ".join(f"word{number * place}" for place in range(300)))
        gone = shelf.keep("Untitled", "zzquokka")
        shelf.keep("Untitled", "lastwords")
        with writing(shelf.engine) as connection:
            connection.execute(delete(chats).where(chats.c.id == gone))
        forget_words(shelf.engine)
        assert b"zzquokka" in in_file(file), "it was done in one step"
        for _ in range(500):
            go_on_forgetting(shelf.engine)
        assert b"zzquokka" not in in_file(file)


WORDS = st.sampled_from(["zebra", "Zebras", "zeb", "NEAR", "AND", "東京", "京都 ", "a b", *"éeßs東٣ﷺก\"*-(:|\\'%\0"])
SAID = ["The zebra and the zebras", "東京都 und 京都", "Straße, é à la carte", "NEAR (a b) AND c", "ก็ไม่", "ß ss ٣ 3"]


@pytest.fixture(scope="module")
def both(apps: dict[str, Flask]) -> list[tuple[Shelf, list[str]]]:
    """A visitor of each database with the same chats, and their ids."""
    shelves = [Shelf(app) for app in apps.values()]
    return [(shelf, [shelf.keep("Untitled", said, updated_at=at) for at, said in enumerate(SAID)]) for shelf in shelves]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WORDS, max_size=5).map(" ".join) | st.lists(WORDS, max_size=5).map("".join) | st.text(max_size=20))
def test_whatever_is_sought_both_databases_find_the_same(both: list[tuple[Shelf, list[str]]], query: str) -> None:
    found = []
    for shelf, ids in both:
        told = shelf.page(q=query)["chats"]
        found.append([(ids.index(chat["id"]), chat.get("snippet")) for chat in told])
    assert found[0] == found[1]
