"""The worst case of the bill: what one message, a day and a month can cost at most, and what bounds each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from limits import parse_many

from chatbot.chats.context import MOST_CALL_TOKENS, MOST_TURN_TOKENS, TURN_TOKENS
from chatbot.chats.continuing import LEAST_TAIL_BYTES
from chatbot.chats.title_call import MOST_TOKENS, most_title_tokens
from chatbot.config import Settings
from chatbot.model.events import GO_ON
from chatbot.money.prices import BYTES_PER_TOKEN, Prices

DAY_S = 86_400
MONTH_DAYS = 31
CALLS = 2  # of one message, or title: the first, and one retry
BYTES_PER_CHAR = 4  # at most


@dataclass(frozen=True)
class WorstCase:
    """Nano-dollars, and in words what bounds them."""

    message: int
    day: int
    day_by: str
    month: int
    month_by: str

    def __str__(self) -> str:
        day, month = f"{dollars(self.day)} a day ({self.day_by})", f"{dollars(self.month)} a month ({self.month_by})"
        return f"{day}, {month}; one message at most {dollars(self.message, 4)}"


def worst_case(settings: Settings, prices: Prices, caps: dict[str, int]) -> WorstCase:
    """By the dearest model, with TITLE_MODEL, and these budgets: nano-dollars by name. Raises PriceUnknown."""
    sent, answered = most_input_tokens(settings), settings.max_output_tokens
    call = max(prices.worst_nano(model, sent, answered) for model in settings.models)
    title = prices.worst_nano(settings.title_model, most_title_tokens(), MOST_TOKENS) if settings.title_model else 0
    message = CALLS * (call + title)  # for each message may open a chat
    count = messages_a_day(settings)
    day, day_by = min(
        (caps["site/day"], "the budget of a day"), (count * message, f"LIMIT_SITE admits {count} messages")
    )
    days = (MONTH_DAYS * day, f"{MONTH_DAYS} such days")
    month, month_by = min((caps["site/month"], "the budget of a month"), days)
    return WorstCase(message, day, day_by, month, month_by)


def most_input_tokens(settings: Settings) -> int:
    """What `context.most_tokens` can say at most, of whatever `context.fit` keeps of a chat."""
    per_token = max(BYTES_PER_TOKEN, math.ceil(MOST_TURN_TOKENS / TURN_TOKENS))
    chat = settings.max_context_tokens * per_token
    question = len(settings.system_prompt.encode()) + settings.max_message_chars * BYTES_PER_CHAR + MOST_TURN_TOKENS
    question += LEAST_TAIL_BYTES + len(GO_ON.encode()) + 2 * MOST_TURN_TOKENS  # where an answer's rest is asked for
    return max(chat, question) + MOST_TURN_TOKENS + MOST_CALL_TOKENS


def messages_a_day(settings: Settings) -> int:
    """How many messages of all visitors the tightest limit admits."""
    limits = parse_many(settings.limit_site)
    return min(limit.amount * max(1, math.ceil(DAY_S / limit.get_expiry())) for limit in limits)


def dollars(nano: int, places: int = 2) -> str:
    """Rounded up to so many places, as in $1,234.50."""
    return f"${-(-nano // 10 ** (9 - places)) / 10**places:,.{places}f}"
