"""What a call costs, in whole nano-dollars rounded up: by MODEL_PRICES, else by the dated prices of `genai-prices`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from chatbot.config import OPENAI_HOSTS, Settings
from chatbot.errors import SettingsError
from chatbot.model.events import Usage
from chatbot.money.rates import Rates, ladder

BYTES_PER_TOKEN = 3  # of the estimate that cuts a chat: no token is shorter than a byte
PACKAGE = "genai-prices"
PUBLISHED = ("0.2.3", date(2026, 11, 10))  # its version that we know, and the day: its data do not tell their age
OLD_DAYS = 60
RESOLVE_S = 900  # prices change with the date, some with the time of day
REGIONAL_HOSTS = OPENAI_HOSTS[1:]
REGIONAL_FACTOR = Fraction(11, 10)  # what data residency costs more; for older models it does not
WRITE_FACTOR = Decimal("1.25")  # of a cache write to plain input, for MODEL_PRICES: the dearest rule known
FREE = ladder(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


class PriceUnknown(LookupError):
    """There is no price for this model's input, or none for its output."""


class Prices:
    """Of all models. `free`: the tutor answers, and everything costs nothing. `clock`: seconds since 1970."""

    def __init__(self, settings: Settings, *, free: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._set_by = dict.fromkeys(settings.called_models, "TITLE_MODEL")
        self._set_by |= dict.fromkeys(settings.models, "OPENAI_MODELS") | {settings.openai_model: "OPENAI_MODEL"}
        self._own = settings.model_prices
        self._factor = REGIONAL_FACTOR if settings.upstream_host in REGIONAL_HOSTS else Fraction(1)
        self._free = free
        self._clock = clock
        self._resolved: dict[str, tuple[int, list[Rates]]] = {}

    def check(self) -> None:
        """Raises SettingsError, a line for each model that may be called and whose price is not known."""
        lines = []
        for model, setting in self._set_by.items():
            try:
                self._steps(model)
            except PriceUnknown:
                why = f"names {model}, whose price is not known: set it, in $ per million tokens"
                lines.append(f"{setting} {why}. Example: MODEL_PRICES={model}=<input>/<cached>/<output>")
        if lines:
            raise SettingsError(lines)

    def cost_nano(self, model: str, usage: Usage) -> int:
        """Of one call; no part of its input counts twice, whatever the usage says. Raises PriceUnknown."""
        sent, made = max(0, usage.input), max(0, usage.output)
        written = min(max(0, usage.cache_write), sent)
        cached = min(max(0, usage.cached), sent - written)
        rates = self.rates(model, sent)
        parts = (sent - written - cached) * rates.input, cached * rates.cached, written * rates.cache_write
        return math.ceil(sum(parts) + made * rates.output)

    def worst_nano(self, model: str, input_tokens: int, max_output_tokens: int) -> int:
        """The most that a call of at most so many tokens can cost, whatever of it is cached. Raises PriceUnknown."""
        rates = self.rates(model, input_tokens)
        return math.ceil(input_tokens * rates.most_input + max_output_tokens * rates.most_output)

    def output_that_fits(self, model: str, input_tokens: int, nano: int, most: int) -> int:
        """The most output tokens, up to `most`, whose `worst_nano` is at most `nano`; else 0. Raises PriceUnknown."""
        rates = self.rates(model, input_tokens)
        left = nano - input_tokens * rates.most_input
        if left < 0:
            return 0
        return max(0, min(most, left // rates.most_output if rates.most_output else most))

    def rates(self, model: str, input_tokens: int = 0) -> Rates:
        """Of a call with so much input. Raises PriceUnknown."""
        return next(rates for rates in reversed(self._steps(model)) if max(0, input_tokens) > rates.above)

    def words(self, model: str) -> str:
        """For the operator, of an input that is not long. Raises PriceUnknown."""
        rates = self.rates(model)
        sent, made = (_dollars(float(rate) / 1000) for rate in (rates.input, rates.output))
        return f"{sent} in, {made} out per million tokens" + (" by MODEL_PRICES" if model in self._own else "")

    @property
    def checked_on(self) -> date | None:
        """The day that the prices of the package are of; None for a version that this app does not know."""
        return PUBLISHED[1] if version(PACKAGE) == PUBLISHED[0] else None

    @property
    def age_days(self) -> int | None:
        return (_moment(self._clock()).date() - self.checked_on).days if self.checked_on else None

    @property
    def are_old(self) -> bool:
        """Is a price that is used perhaps no longer right?"""
        return any(model not in self._own for model in self._set_by) and (self.age_days or 0) > OLD_DAYS

    def _steps(self, model: str) -> list[Rates]:
        if self._free:
            return FREE
        now = self._clock()
        period = int(now // RESOLVE_S)
        resolved, steps = self._resolved.get(model, (None, FREE))
        if resolved != period:
            steps = self._resolve(model, _moment(now))
            self._resolved[model] = period, steps
        return steps

    def _resolve(self, model: str, moment: datetime) -> list[Rates]:
        if model in self._own:
            sent, cached, made = self._own[model]
            return ladder(sent, cached, sent * WRITE_FACTOR, made)
        try:
            price = calc_price(PricedUsage(), model, provider_id="openai", genai_request_timestamp=moment).model_price
        except LookupError:
            raise PriceUnknown(model) from None
        plain, read, write = price.input_mtok, price.cache_read_mtok, price.cache_write_mtok
        if plain is None or price.output_mtok is None:
            raise PriceUnknown(model)
        dear, cheap = (plain if each is None else each for each in (write, read))
        return ladder(plain, cheap, dear, price.output_mtok, factor=self._factor)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _dollars(amount: float) -> str:
    return f"${amount:.2f}" if round(amount, 2) == amount else f"${amount:.6g}"
