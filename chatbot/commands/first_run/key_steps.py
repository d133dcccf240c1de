"""The first two steps: the key, typed or pasted unseen, and the proof that OpenAI takes it."""

from __future__ import annotations

from pathlib import Path
from threading import Timer

import click

from chatbot.commands.first_run.asking import ask_hidden, choose, say
from chatbot.commands.first_run.choices import Choices
from chatbot.commands.first_run.steps import KEY, PROOF, head
from chatbot.config import OPENAI_HOSTS
from chatbot.errors import Broken, Problem, SettingsError
from chatbot.key.credential import Key, named
from chatbot.key.ring import Ring
from chatbot.key.source import check_host, load_sources
from chatbot.model.client import Client
from chatbot.model.cut import Cut, cutting
from chatbot.model.transport import Urllib3Transport
from chatbot.signing import Signer, load_signer

PROOF_S = 30  # for all of it, however little comes at a time
NOT_OPENAI = "that address does not answer as OpenAI does: check OPENAI_BASE_URL"


def ask_key(choices: Choices, path: Path) -> None:
    """Ask until there is a key that is proven, or kept all the same, or none; `path` is where it will stand."""
    head(KEY)
    if not choices.may_change("OPENAI_API_KEY_FILE"):
        return
    signer = load_signer(choices.settings)
    _tell_present(choices, signer)
    while value := ask_hidden("Paste the key; it is not shown. Enter keeps what is:").strip():
        try:
            key = Key(value, "This", signer)
            check_host(key, choices.settings)
        except SettingsError as refused:
            say(str(refused))
            continue
        head(PROOF)
        answer = _prove(choices, key)
        if answer == "k":
            _take(choices, key, path)
        if answer != "o":
            return
    _offer_a_file(choices, signer, path)


def _tell_present(choices: Choices, signer: Signer) -> None:
    try:
        found = [source.credential() for source in load_sources(choices.settings, signer)]
    except SettingsError as refused:
        say(str(refused))
        return
    for each in found:
        say(f"Now: {named(each)}.")
    if not found:
        say("Now: none, so the built-in tutor answers. How to get one: docs/guide/get-a-key.md")


def _prove(choices: Choices, key: Key) -> str:
    """k: take the key; o: ask for another one; nothing: go on without it."""
    settings = choices.settings
    url, is_plain = settings.openai_base_url, settings.upstream_host not in OPENAI_HOSTS
    client = Client(url, settings.openai_api, Ring(), Urllib3Transport(url), plain=is_plain)
    question = "t tries again, o takes another key, k keeps this one all the same, q quits; Enter drops it:"
    while True:
        cut = Cut()
        timer = Timer(PROOF_S, cut.pull)
        timer.start()
        try:
            with cutting(cut):
                choices.models = client.models(key)
        except Problem as problem:
            cause = NOT_OPENAI if isinstance(problem, Broken) else problem.cause
            say(f"Key {key.fingerprint} is not proven: {'no whole answer in time' if cut.pulled else cause}.")
        else:
            say(f"Key {key.fingerprint} works: {settings.upstream_host} lists {len(choices.models)} models.")
            return "k"
        finally:
            timer.cancel()
        answer = choose(question, "tokq")
        if answer == "q":
            raise click.Abort
        if answer != "t":
            return answer


def _offer_a_file(choices: Choices, signer: Signer, path: Path) -> None:
    """A key that stays may still leave `.env`, which is opened for other reasons, for a file of its own."""
    value, is_in_file = choices.settings.openai_api_key, choices.settings.openai_api_key_file
    if is_in_file or not value or "OPENAI_API_KEY" not in choices.env or "OPENAI_API_KEY" in choices.outside:
        return
    if choose("It stands in .env. y moves it to a file of its own, Enter leaves it there:", "y") == "y":
        try:
            _take(choices, Key(value.get_secret_value().strip(), "OPENAI_API_KEY", signer), path)
        except SettingsError as refused:
            say(str(refused))


def _take(choices: Choices, key: Key, path: Path) -> None:
    choices.key = key
    choices.change("OPENAI_API_KEY_FILE", str(path))
    if "OPENAI_API_KEY" in choices.env:
        choices.change("OPENAI_API_KEY", None)
        say("The key that stood in .env is taken out of it.")
