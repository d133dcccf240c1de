"""The fourth step and the fifth: who may enter the chat, and what opens the desk. Both are secrets, made or typed."""

from __future__ import annotations

import secrets

from chatbot.commands.first_run.asking import ask_hidden, choose, is_key, say
from chatbot.commands.first_run.choices import Choices
from chatbot.commands.first_run.steps import ACCESS_CODE, ADMIN_PASSWORD, head
from chatbot.config import Settings

BYTES = 12  # of chance, in 16 characters


def ask_access_code(choices: Choices) -> None:
    head(ACCESS_CODE)
    _ask(choices, "ACCESS_CODE", "access code", "whoever knows the code may enter", "everybody may enter")


def ask_admin_password(choices: Choices) -> None:
    head(ADMIN_PASSWORD)
    _ask(choices, "ADMIN_PASSWORD", "admin password", "a password opens the desk", "the desk is closed")


def _ask(choices: Choices, name: str, words: str, present: str, absent: str) -> None:
    if not choices.may_change(name):
        return
    say(f"Now: {present if getattr(choices.settings, name.lower()) else absent}.")
    answer = choose("g makes one, o takes your own, n takes none, Enter keeps what is:", "gon")
    if answer == "g":
        choices.made[words] = secrets.token_urlsafe(BYTES)
        choices.change(name, choices.made[words])
    elif answer == "o" and (own := _own(name)):
        choices.change(name, own)
    elif answer == "n":
        choices.change(name, None)


def _own(name: str) -> str:
    """What was typed twice alike; nothing for Enter."""
    least = next(it.min_length for it in Settings.model_fields[name.lower()].metadata if hasattr(it, "min_length"))
    while first := ask_hidden(f"Type it, {least} characters or more; it is not shown:"):
        if len(first.strip()) < least or not first.isprintable():
            say(f"It needs {least} characters or more, none of them a control character.")
        elif not is_key(first):
            if ask_hidden("Once more:") == first:
                return first
            say("The two differ.")
    return ""
