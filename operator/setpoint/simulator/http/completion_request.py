"""What a completion request asks for, and how vLLM says that it cannot be had."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setpoint.simulator.http import prompt


class RefusedError(Exception):
    """A request that is answered with an error of the OpenAI shape."""

    def __init__(
        self, message: str, kind: str = "BadRequestError", param: str | None = None, code: int = 400
    ) -> None:
        super().__init__(message)
        self.code = code
        self.headers: dict[str, str] = {}
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A checked request for one answer."""

    chat: bool
    token_ids: list[int]
    max_tokens: int
    min_tokens: int
    ignore_eos: bool
    stream: bool
    include_usage: bool

    def answer_tokens(self, drawn: int) -> int:
        """The answer's length, when the model by itself would end it after `drawn` tokens."""
        return self.max_tokens if self.ignore_eos else max(self.min_tokens, min(drawn, self.max_tokens))


def parse(body: Any, *, chat: bool, served_names: tuple[str, ...], max_model_len: int) -> CompletionRequest:
    """Check the JSON body of a completion (or `chat` completion).

    Raises RefusedError, worded as vLLM words it.
    """
    prompt_ids = token_ids(body, chat=chat)
    model = body.get("model")
    if model and model not in served_names:
        message = f"The model `{model}` does not exist. Valid aliases: {', '.join(served_names)}."
        raise RefusedError(message, "NotFoundError", "model", 404)
    if body.get("n") not in (None, 1):
        raise RefusedError("n: the simulator gives one choice; leave n out", param="n")
    max_tokens = _max_tokens(body, len(prompt_ids), max_model_len, chat=chat)
    options = body.get("stream_options")
    return CompletionRequest(
        chat=chat,
        token_ids=prompt_ids,
        max_tokens=max_tokens,
        min_tokens=_min_tokens(body, max_tokens),
        ignore_eos=body.get("ignore_eos") is True,
        stream=body.get("stream") is True,
        include_usage=isinstance(options, Mapping) and bool(options.get("include_usage")),
    )


def token_ids(body: object, *, chat: bool) -> list[int]:
    """The token ids of a body's prompt (a text or token ids) or, in a `chat`, of its messages.

    Raises RefusedError, as parse.
    """
    if not isinstance(body, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise _invalid("body", "model_attributes_type", message)
    return _chat_ids(body) if chat else _prompt_ids(body)


def _prompt_ids(body: Mapping[str, Any]) -> list[int]:
    given = body.get("prompt")
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], str | list):
        given = given[0]
    if not given:
        message = "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)"
        raise RefusedError(message, param="prompt")
    if isinstance(given, str):
        return prompt.text_ids(given) or [0]
    if isinstance(given, list) and all(isinstance(token, int) for token in given):
        return given
    raise RefusedError("prompt: the simulator takes one prompt, a string or token ids", param="prompt")


def _chat_ids(body: Mapping[str, Any]) -> list[int]:
    messages = body.get("messages")
    if messages is None:
        raise _invalid("body.messages", "missing", "Field required")
    if not isinstance(messages, list):
        raise _invalid("body.messages", "list_type", "Input should be a valid list")
    return prompt.chat_ids(messages)


def _max_tokens(body: Mapping[str, Any], prompt_tokens: int, max_model_len: int, *, chat: bool) -> int:
    name = "max_completion_tokens" if chat and body.get("max_completion_tokens") is not None else "max_tokens"
    room = max_model_len - prompt_tokens
    if room < 0:
        message = (
            f"This model's maximum context length is {max_model_len} tokens. However, your prompt contains "
            f"at least {max_model_len + 1} input tokens, which exceeds this limit even "
            "without any output tokens."
        )
        raise RefusedError(message, param="input_tokens")
    value = _whole(body, name)
    if value is None:
        value = room if chat else 16
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


def _min_tokens(body: Mapping[str, Any], max_tokens: int) -> int:
    value = _whole(body, "min_tokens") or 0
    if value < 0:
        message = f"min_tokens must be greater than or equal to 0, got {value}."
        raise RefusedError(message)
    if value > max_tokens:
        message = f"min_tokens must be less than or equal to max_tokens={max_tokens}, got {value}."
        raise RefusedError(message)
    return value


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise _invalid(f"body.{name}", "int_parsing", "Input should be a valid integer")
    return value


def _invalid(location: str, kind: str, message: str) -> RefusedError:
    """A body that does not fit the schema, in FastAPI's words."""
    text = f"1 validation error:\n  {{'type': '{kind}', 'loc': '{location}', 'msg': '{message}'}}"
    return RefusedError(text, "Bad Request", location)
