"""What a call sends: the server's decisions and the words of the chat, in the form of either API."""

from __future__ import annotations

from typing import Any

from chatbot.model.events import Call
from chatbot.model.moderation import policy

OLD_NAME = "max_tokens"  # of the bound on an answer

Way = tuple[int, bool]  # a level, and whether the bound goes by its old name


class Form:
    """How much of the form a server takes. OpenAI's own takes everything, which is level 0.

    Another may refuse what only OpenAI's knows: level 1 leaves out what is OpenAI's alone, and level 2, of Chat
    Completions, speaks as older servers do. Some heed the bound on an answer by its old name alone.
    """

    def __init__(self, api: str, *, plain: bool) -> None:
        self.is_chat = api == "chat_completions"
        self.way: Way = (0, False)
        self._last_level = (2 if self.is_chat else 1) if plain else 0
        self._tier = {} if plain else {"service_tier": "default"}  # which the prices are of
        self._may_know_old_name = self.is_chat and plain

    def body(self, call: Call, way: Way) -> dict[str, Any]:
        """What is sent of a call, beside the model and that it is streamed."""
        level, by_old_name = way
        body = (chat_body if self.is_chat else responses_body)(call, level) | self._tier
        if by_old_name and (bound := body.pop("max_completion_tokens", None)):
            body[OLD_NAME] = bound
        return body

    def less(self, way: Way) -> Way | None:
        """The way to try after this one was refused; None where there is no other."""
        level, by_old_name = way
        if by_old_name:
            return level, False
        return (level + 1, False) if level < self._last_level else None

    def learn(self, began: Way, taken: Way) -> None:
        """A call that was begun in one way was taken in another."""
        if began != taken:
            self._may_know_old_name &= taken[1] or not began[1]
            self.way = taken

    def overran(self) -> None:
        """An answer was longer than its bound: try that by its old name."""
        self.way = (self.way[0], self._may_know_old_name)


def responses_body(call: Call, level: int) -> dict[str, Any]:
    """What POST /responses is sent: https://platform.openai.com/docs/api-reference/responses/create"""
    body: dict[str, Any] = {
        "instructions": call.system,
        "input": [{"role": role, "content": text} for role, text in call.turns],
        "max_output_tokens": call.max_output_tokens,
    }
    return body | (_own(call) if level == 0 else {})


def chat_body(call: Call, level: int) -> dict[str, Any]:
    """What POST /chat/completions is sent: https://platform.openai.com/docs/api-reference/chat/create"""
    turns = [("system", call.system), *call.turns]
    body: dict[str, Any] = {"messages": [{"role": role, "content": text} for role, text in turns]}
    if level == 2:
        return body | {OLD_NAME: call.max_output_tokens}
    bound = {"max_completion_tokens": call.max_output_tokens, "stream_options": {"include_usage": True}}
    return body | bound | (_own(call) if level == 0 else {})


def _own(call: Call) -> dict[str, Any]:
    """OpenAI's own: kept by nobody, traced to no person, cached across the turns of one chat, moderated on request."""
    own = {"store": False, "safety_identifier": call.safety_identifier, "prompt_cache_key": call.cache_key}
    return own | ({} if call.moderation == "off" else {"moderation": policy(call.moderation)})
