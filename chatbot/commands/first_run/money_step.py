"""The third step: the model with its price, the budgets of a day and a month, and the worst case that they allow."""

from __future__ import annotations

from chatbot.chats.worst_case import worst_case
from chatbot.commands.first_run.asking import ask, choose, say
from chatbot.commands.first_run.choices import Choices
from chatbot.commands.first_run.steps import BUDGET, head
from chatbot.config import Settings
from chatbot.money.budgets import caps
from chatbot.money.prices import Prices, PriceUnknown
from chatbot.money.switches import Switches


def ask_budget(choices: Choices) -> None:
    """Ask until the worst case is accepted."""
    head(BUDGET)
    _ask_model(choices)
    while True:
        _ask(choices, "BUDGET_SITE_DAY", "The most dollars that all visitors may spend in a day")
        _ask(choices, "BUDGET_SITE_MONTH", "And in a month")
        say(_worst(choices.settings))
        if choose("Enter accepts this, n asks again:", "n") != "n":
            return


def _ask_model(choices: Choices) -> None:
    """Once more where the key may not use what was typed; Enter then keeps it all the same."""
    model = ""
    while model != choices.settings.openai_model:
        model = choices.settings.openai_model
        _ask(choices, "OPENAI_MODEL", "Model")
        now = choices.settings.openai_model
        say(f"{now} costs {_price(choices.settings)}.")
        if not choices.models or now in choices.models:
            return
        say(f"The key may not use {now}: allow it in the project's settings at OpenAI, or choose another one.")


def _ask(choices: Choices, name: str, words: str) -> None:
    if not choices.may_change(name):
        return
    while True:
        now = getattr(choices.settings, name.lower())
        typed = ask(f"{words}? Enter keeps {now}:").removeprefix("$").strip()
        if not typed or choices.change(name, typed):
            return


def _price(settings: Settings) -> str:
    try:
        return Prices(settings).words(settings.openai_model)
    except PriceUnknown:
        return "what nobody has told: set MODEL_PRICES, or the app will not start"


def _worst(settings: Settings) -> str:
    try:
        return f"Worst case: {worst_case(settings, Prices(settings), caps(settings, Switches(None, {})))}."
    except PriceUnknown:
        return "Worst case: not known without a price."
