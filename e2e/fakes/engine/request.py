"""What a completion request asks for, and how vLLM says that it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class RefusedError(Exception):
    """A request that is answered with an error of the OpenAI shape."""

    def __init__(
        self, message: str, kind: str = "BadRequestError", param: str | None = None, code: int = 400
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True)
class Request:
    """A checked request for one answer."""

    chat: bool
    prompt_tokens: int
    max_tokens: int
    ignore_eos: bool
    stream: bool
    include_usage: bool


def parse(body: object, *, chat: bool, served_names: tuple[str, ...], max_model_len: int) -> Request:
    """Check the JSON body of a completion (or `chat` completion). Raises RefusedError, worded as vLLM words
    it.
    """
    if not isinstance(body, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise _invalid("body", "model_attributes_type", message)
    prompt_tokens = _chat_tokens(body) if chat else _prompt_tokens(body)
    model = body.get("model")
    if model and model not in served_names:
        message = f"The model `{model}` does not exist. Valid aliases: {', '.join(served_names)}."
        raise RefusedError(message, "NotFoundError", "model", 404)
    if body.get("n", 1) != 1:
        raise RefusedError("n: the stand-in engine gives one choice; leave n out", param="n")
    return Request(
        chat=chat,
        prompt_tokens=prompt_tokens,
        max_tokens=_max_tokens(body, prompt_tokens, max_model_len, chat=chat),
        ignore_eos=body.get("ignore_eos") is True,
        stream=body.get("stream") is True,
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )


def _prompt_tokens(body: Mapping[str, Any]) -> int:
    prompt = body.get("prompt")
    if not prompt:
        message = "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)"
        raise RefusedError(message, param="prompt")
    if isinstance(prompt, list) and not all(isinstance(token, int) for token in prompt):
        raise RefusedError(
            "prompt: the stand-in engine takes one prompt, a string or token ids", param="prompt"
        )
    return len(prompt) if isinstance(prompt, list) else max(1, len(str(prompt).split()))


def _chat_tokens(body: Mapping[str, Any]) -> int:
    messages = body.get("messages")
    if messages is None:
        raise _invalid("body.messages", "missing", "Field required")
    if not isinstance(messages, list):
        raise _invalid("body.messages", "list_type", "Input should be a valid list")
    return 2 + sum(1 + len(_text(message).split()) for message in messages)


def _text(message: object) -> str:
    """A message's text: its content, or the text parts of it."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _max_tokens(body: Mapping[str, Any], prompt_tokens: int, max_model_len: int, *, chat: bool) -> int:
    name = "max_completion_tokens" if chat and body.get("max_completion_tokens") is not None else "max_tokens"
    value = body.get(name)
    room = max_model_len - prompt_tokens
    if room < 0:
        message = (
            f"This model's maximum context length is {max_model_len} tokens. However, your prompt contains "
            f"at least {max_model_len + 1} input tokens, which exceeds this limit even "
            "without any output tokens."
        )
        raise RefusedError(message, param="input_tokens")
    if value is None:
        value = room if chat else 16
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(f"body.{name}", "int_parsing", "Input should be a valid integer")
    if value > max_model_len:
        message = (
            f"{name}={value} cannot be greater than max_model_len={max_model_len}. "
            f"Please request fewer output tokens. (parameter={name}, value={value})"
        )
        raise RefusedError(message, param=name)
    granted = min(value, room)
    if granted < 1:
        message = f"{name} must be at least 1, got {granted}. (parameter={name}, value={granted})"
        raise RefusedError(message, param=name)
    return granted


def _invalid(location: str, kind: str, message: str) -> RefusedError:
    """A body that does not fit the schema, in FastAPI's words."""
    text = f"1 validation error:\n  {{'type': '{kind}', 'loc': '{location}', 'msg': '{message}'}}"
    return RefusedError(text, "Bad Request", location)
