"""Refuses requests as OpenAI does: unknown, missing, contradictory or oversized parameters, each with its code."""

from __future__ import annotations

from typing import Any

from tests.fake_openai_parts.errors import FASTAPI, ApiError

_BOTH = {
    "frequency_penalty", "logprobs", "metadata", "model", "moderation", "parallel_tool_calls", "presence_penalty",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "service_tier", "store",
    "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
}  # fmt: skip
PARAMETERS = {
    "responses": (_BOTH - {"frequency_penalty", "presence_penalty", "logprobs"})
    | {
        "access_programs", "background", "background_options", "context_management", "conversation", "image", "include",
        "input", "instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "prompt", "reasoning",
        "text", "truncation",
    },
    "chat": _BOTH
    | {
        "audio", "function_call", "functions", "logit_bias", "max_completion_tokens", "max_tokens", "messages",
        "modalities", "n", "prediction", "reasoning_effort", "response_format", "seed", "stop", "verbosity",
        "web_search_options",
    },
}  # fmt: skip
_ROLES = {"user", "assistant", "system", "developer"}
_PARTS = {
    "responses": {"user": {"input_text", "input_image", "input_file"}, "assistant": {"output_text", "refusal"}},
    "chat": {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"}},
}
_FOREIGN = ("store", "safety_identifier", "prompt_cache_key", "moderation")
MIN_OUTPUT_TOKENS = 16
MAX_IDENTIFIER = 64


def check(api: str, body: Any, compat: str = "") -> None:
    """Raises the ApiError that OpenAI (or with `compat`, another server) would answer to `body`."""
    if not isinstance(body, dict):
        raise ApiError(400, None, "We could not parse the JSON body of your request.")
    if compat:
        _check_foreign(body, compat)
    else:
        _check_names(api, body)
        _check_bounds(api, body)
    _check_messages(api, body)


def _check_foreign(body: dict[str, Any], compat: str) -> None:
    for name in _FOREIGN:
        if name not in body:
            continue
        if compat == "fastapi":
            raise ApiError(422, None, "", raw=FASTAPI.replace("store", name).encode())
        error = (
            f'{{"error":{{"message":"Unexpected keyword argument {name}","type":"BadRequestError",'
            f'"param":"{name}","code":400}}}}'
        )
        raise ApiError(400, 400, "", raw=error.encode())


def _check_names(api: str, body: dict[str, Any]) -> None:
    for name in body:
        if name not in PARAMETERS[api]:
            raise ApiError(400, "unknown_parameter", f"Unknown parameter: '{name}'.", param=name)
    options = body.get("stream_options") or {}
    known = {"include_obfuscation"} | ({"include_usage"} if api == "chat" else set())
    for name in options:
        if name not in known:
            param = f"stream_options.{name}"
            raise ApiError(400, "unknown_parameter", f"Unknown parameter: '{param}'.", param=param)
    if options and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, None, message, param="stream_options")
    if not body.get("model"):
        raise ApiError(400, "missing_required_parameter", "Missing required parameter: 'model'.", param="model")


def _check_bounds(api: str, body: dict[str, Any]) -> None:
    for name in ("safety_identifier", "prompt_cache_key"):
        if len(body.get(name) or "") > MAX_IDENTIFIER:
            message = f"Invalid '{name}': string too long. Expected a string with maximum length {MAX_IDENTIFIER}."
            raise ApiError(400, "string_above_max_length", message, param=name)
    if "max_tokens" in body:
        _refuse_max_tokens(body)
    name = "max_output_tokens" if api == "responses" else "max_completion_tokens"
    least = MIN_OUTPUT_TOKENS if api == "responses" else 1
    bound = body.get(name)
    if bound is not None and (not isinstance(bound, int) or isinstance(bound, bool)):
        message = f"Invalid type for '{name}': expected an integer."
        raise ApiError(400, "invalid_type", message, param=name)
    if bound is not None and bound < least:
        message = (
            f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {bound} instead."
        )
        raise ApiError(400, "integer_below_min_value", message, param=name)
    effort = (body.get("reasoning") or {}).get("effort") if api == "responses" else body.get("reasoning_effort")
    if effort in ("none", "minimal") and str(body.get("model")).startswith("gpt-6.2"):
        param = "reasoning.effort" if api == "responses" else "reasoning_effort"
        message = f"Unsupported value: '{effort}' is not supported with the '{body['model']}' model."
        raise ApiError(400, "unsupported_value", message, param=param)


def _refuse_max_tokens(body: dict[str, Any]) -> None:
    if "max_completion_tokens" in body:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise ApiError(400, "invalid_parameter_combination", message, param="max_tokens")
    if not str(body.get("model")).startswith("gpt-4"):
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise ApiError(400, "unsupported_parameter", message, param="max_tokens")


def _check_messages(api: str, body: dict[str, Any]) -> None:
    name = "input" if api == "responses" else "messages"
    messages = body.get(name)
    if messages is None or (api == "chat" and not isinstance(messages, list)) or messages == []:
        raise ApiError(400, "missing_required_parameter", f"Missing required parameter: '{name}'.", param=name)
    if isinstance(messages, str):
        return
    for position, message in enumerate(messages):
        where = f"{name}[{position}]"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise ApiError(400, "invalid_value", f"Invalid value at '{where}.role'.", param=f"{where}.role")
        content = message.get("content")
        if isinstance(content, str):
            continue
        if not isinstance(content, list):
            raise ApiError(400, "invalid_type", f"Invalid type for '{where}.content'.", param=f"{where}.content")
        allowed = _PARTS[api]["assistant" if message["role"] == "assistant" else "user"]
        for index, part in enumerate(content):
            if not isinstance(part, dict) or part.get("type") not in allowed:
                param = f"{where}.content[{index}]"
                found = part.get("type") if isinstance(part, dict) else part
                expected = "' and '".join(sorted(allowed))
                raise ApiError(
                    400, "invalid_value", f"Invalid value: '{found}'. Supported values are: '{expected}'.", param=param
                )
