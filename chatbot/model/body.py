"""What a call sends: the server's decisions and the words of the chat, in the form of either API."""

from __future__ import annotations

from typing import Any

from chatbot.model.events import Call
from chatbot.model.moderation import policy


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
        return body | {"max_tokens": call.max_output_tokens}
    bound = {"max_completion_tokens": call.max_output_tokens, "stream_options": {"include_usage": True}}
    return body | bound | (_own(call) if level == 0 else {})


def _own(call: Call) -> dict[str, Any]:
    """OpenAI's own: kept by nobody, traced to no person, cached across the turns of one chat, moderated on request."""
    own = {"store": False, "safety_identifier": call.safety_identifier, "prompt_cache_key": call.cache_key}
    return own | ({} if call.moderation == "off" else {"moderation": policy(call.moderation)})
