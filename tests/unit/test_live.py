"""The live reply: one producer, any number of listeners, each from the character it asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chats import live
from chatbot.chats.live import LiveReplies, LiveReply, Outcome, Progress
from chatbot.errors import Busy

DONE = Outcome("complete", "stop")
LONG_S = 120  # nobody waits for so long
PIECES = st.lists(st.text(max_size=6), max_size=8)


def make_reply(chat: str = "chat") -> LiveReply:
    return LiveReply(chat, "answer", "question", "model")


def heard(progress: Iterator[Progress | None]) -> list[Progress]:
    """What a listener was told until the end, without its silences."""
    return [each for each in progress if each is not None]


@given(PIECES, PIECES, st.integers(0, 60))
def test_a_listener_hears_exactly_what_stands_after_its_character(
    first: list[str], then: list[str], after: int
) -> None:
    reply = make_reply()
    for piece in first:
        reply.append(piece, "")
    listener = reply.listen(after)
    told = [next(listener)] if "".join(first)[after:] else []
    for piece in then:
        reply.append(piece, "")
    reply.end(DONE)
    told += heard(listener)
    whole = "".join([*first, *then]).replace("\0", "\ufffd")
    assert "".join(each.text for each in told if each) == whole[after:]
    assert told[-1] is not None
    assert told[-1].outcome == DONE


def test_positions_count_characters_and_not_bytes() -> None:
    reply = make_reply()
    positions = []
    listener = reply.listen()
    for piece in ("é", "日本", "🎉👍🏽"):
        reply.append(piece, "")
        told = next(listener)
        assert told is not None
        positions.append(told.position)
    assert positions == [1, 3, 6]


def test_many_listeners_hear_the_same_while_it_is_made() -> None:
    reply = make_reply()
    texts: dict[int, str] = {}

    def listen(after: int) -> None:
        texts[after] = "".join(each.text for each in heard(reply.listen(after)))

    threads = [threading.Thread(target=listen, args=(after,)) for after in range(0, 200, 10)]
    for thread in threads:
        thread.start()
    for number in range(100):
        reply.append(f"{number:02d} ", "")
    reply.end(DONE)
    for thread in threads:
        thread.join(60)
    whole = "".join(f"{number:02d} " for number in range(100))
    assert texts == {after: whole[after:] for after in range(0, 200, 10)}


def test_one_who_comes_after_the_end_hears_all_of_it() -> None:
    reply = make_reply()
    reply.append("text", "thought")
    reply.end(DONE)
    assert heard(reply.listen()) == [Progress("text", "thought", 4, DONE)]


def test_one_who_has_heard_more_than_there_is_hears_only_the_end() -> None:
    reply = make_reply()
    reply.append("text", "")
    reply.end(DONE)
    assert heard(reply.listen(1000)) == [Progress("", "", 1000, DONE)]


def test_a_listener_is_told_of_each_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SILENCE_S", 0.05)
    reply = make_reply()
    listener = reply.listen()
    assert [next(listener), next(listener)] == [None, None]
    reply.append("text", "")
    assert next(listener) == Progress("text", "", 4)


def test_events_without_text_are_no_reason_to_wake_a_listener() -> None:
    reply = make_reply()
    reply.append("", "")
    told: list[Progress | None] = []
    listening = threading.Thread(target=lambda: told.append(next(reply.listen())))
    listening.start()
    for _ in range(5):
        time.sleep(0.01)
        reply.append("", "")
    reply.append("text", "")
    listening.join(60)
    assert told == [Progress("text", "", 4)]


def test_a_stop_is_kept_pulls_the_connection_and_ends_a_wait() -> None:
    reply = make_reply()
    threading.Timer(0.05, reply.stop).start()
    began = time.monotonic()
    reply.pause(LONG_S)
    assert time.monotonic() - began < LONG_S / 2
    assert reply.stop_status == "stopped"
    assert reply.cut.pulled
    reply.stop("interrupted")
    assert reply.stop_status == "stopped", "the first stop counts"


def test_a_stop_after_the_end_changes_nothing() -> None:
    reply = make_reply()
    reply.end(DONE)
    reply.stop()
    assert reply.stop_status is None
    assert not reply.cut.pulled


def test_a_failure_before_the_first_event_is_raised_and_a_later_one_is_not() -> None:
    early, late = make_reply(), make_reply()
    early.end(Outcome("failed"), Busy())
    with pytest.raises(Busy):
        early.wait_started(1)
    late.append("", "")
    late.end(Outcome("failed"), Busy())
    late.wait_started(1)


def test_waiting_for_the_start_ends_with_the_first_event_even_an_empty_one() -> None:
    reply = make_reply()
    threading.Timer(0.05, reply.append, ("", "")).start()
    began = time.monotonic()
    reply.wait_started(LONG_S)
    assert time.monotonic() - began < LONG_S / 2


def test_an_ended_reply_does_not_take_the_next_one_of_its_chat_away() -> None:
    replies = LiveReplies()
    old, new = make_reply(), make_reply()
    replies[old.chat] = old
    replies[new.chat] = new
    replies.remove(old)
    assert replies.get("chat") is new
    replies.remove(new)
    assert replies.get("chat") is None
    replies.remove(new)


def test_closing_waits_until_every_reply_has_ended() -> None:
    replies, reply = LiveReplies(), make_reply()
    replies[reply.chat] = reply
    threading.Timer(0.05, reply.end, (Outcome("interrupted"),)).start()
    replies.close(LONG_S)
    assert reply.outcome == Outcome("interrupted")


def test_closing_marks_every_reply_interrupted_and_waits_for_none_too_long() -> None:
    replies, hanging = LiveReplies(), [make_reply("one"), make_reply("two")]
    replies |= {reply.chat: reply for reply in hanging}
    replies.close(0.1)
    assert [(reply.stop_status, reply.outcome) for reply in hanging] == [("interrupted", None)] * 2
