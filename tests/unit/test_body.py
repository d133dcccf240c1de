"""The form of a request: what a server has refused is learnt, and nothing else."""

from __future__ import annotations

from chatbot.model.body import Form
from chatbot.model.events import Call

CALL = Call("any", "none", [("user", "Hi")], 64, "none", "none")


def bound_of(form: Form) -> set[str]:
    return {"max_tokens", "max_completion_tokens", "max_output_tokens"} & form.body(CALL, form.way).keys()


def refused(form: Form, times: int) -> bool:
    """A call is refused so many times; was it taken then?"""
    began = way = form.way
    for _ in range(times):
        if (less := form.less(way)) is None:
            return False
        way = less
    form.learn(began, way)
    return True


def test_after_an_answer_over_its_bound_the_old_name_is_tried_and_given_up_where_the_new_one_is_taken() -> None:
    form = Form("chat_completions", plain=True)
    form.overran()
    assert bound_of(form) == {"max_tokens"}
    assert refused(form, 1)
    assert bound_of(form) == {"max_completion_tokens"}
    form.overran()
    assert bound_of(form) == {"max_completion_tokens"}, "it was refused, so it is not tried again"


def test_a_call_that_is_refused_in_any_form_teaches_nothing() -> None:
    form = Form("chat_completions", plain=True)
    form.overran()
    assert not refused(form, 9)
    assert bound_of(form) == {"max_tokens"}


def test_a_call_that_was_under_way_meanwhile_changes_nothing() -> None:
    form = Form("chat_completions", plain=True)
    began = form.way
    form.overran()
    form.learn(began, began)
    assert bound_of(form) == {"max_tokens"}


def test_openais_own_server_and_the_responses_api_have_one_name_for_it() -> None:
    for form, name in (
        (Form("chat_completions", plain=False), "max_completion_tokens"),
        (Form("responses", plain=True), "max_output_tokens"),
    ):
        form.overran()
        assert bound_of(form) == {name}
