"""Does a small app still chat? A chat that answers nobody withstands each attack, and solves nothing."""

from __future__ import annotations

from urllib.parse import urlencode

from lab.client import Answer, Target
from lab.verdict import not_made

QUESTION, WORD = "[fake: text fare\\well]", "farewell"  # the fake says the word, and the question does not have it
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def must_chat(app: Target) -> None:
    """End an attack as not made unless a small app answers one question, by its route or by the form of its page."""
    if app.is_this_app:
        return
    asked = app.visitor().ask(QUESTION)
    if not (_answered(asked) or _answered(_by_form(app))):
        not_made(f"The chat does not answer any more. POST /chat brought {asked.status}, and no answer by its form.")


def _by_form(app: Target) -> Answer:
    fields = urlencode({"message": QUESTION, "key": ""}).encode()
    return app.visitor().request("POST", "/", fields, FORM)


def _answered(answer: Answer) -> bool:
    return answer.status == 200 and WORD in answer.text
