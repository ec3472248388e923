"""pydantic's errors as faults: the field as users spell it, the value unless it may be secret, the remedy."""

import difflib
import json
import re
from typing import Any

from pydantic_core import ErrorDetails

from setpoint.api.crd import inference_service_crd
from setpoint.api.reasons import Reason
from setpoint.cli.submitted import SubmittedMetadata
from setpoint.faults import Fault
from setpoint.redaction import redact

Location = tuple[int | str, ...]

_MESSAGES = {
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "model_type": "must be a mapping of fields",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} items",
    "rule": "{message}",
    "key": "{message}",
}
_PLAIN_KEY = re.compile(r"[A-Za-z_][-A-Za-z0-9_]*")
_SCHEMA = inference_service_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
_METADATA: dict[str, Any] = {
    "properties": {field.alias: {} for field in SubmittedMetadata.model_fields.values()}
}


def to_fault(error: ErrorDetails, document: dict[str, Any]) -> Fault:
    """Return the fault that one of pydantic's errors means for `document`."""
    location = error["loc"]
    return Fault(path_text(location), _shown_value(error, document), _message(error), Reason.INVALID_SPEC)


def path_text(location: Location) -> str:
    """Return a location as it stands in the API server's messages: `spec.engine.args[2]`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}"
        else:
            text += f"[{part!r}]"
    return text.removeprefix(".") or "the object"


def value_at(document: Any, location: Location) -> Any:
    """Return what stands at a location of a document; None when nothing does."""
    for part in location:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _message(error: ErrorDetails) -> str:
    location = error["loc"]
    if error["type"] == "missing":
        return f"is required: {_schema_at(location).get('description', 'set it')}"
    if error["type"] == "extra_forbidden":
        return _unknown_field(location)
    template = _MESSAGES.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _unknown_field(location: Location) -> str:
    *parent, name = location
    known = sorted(_schema_at(tuple(parent)).get("properties", ()))
    near = difflib.get_close_matches(str(name), known, n=1)
    if near:
        return f"is not a field: did you mean {near[0]}?"
    return "is not a field: remove it" + (
        f"; {path_text(tuple(parent))} has {', '.join(known)}" if known else ""
    )


def _schema_at(location: Location) -> dict[str, Any]:
    schema: dict[str, Any] = _SCHEMA
    if location[:1] == ("metadata",):
        schema, location = _METADATA, location[1:]
    for part in location:
        schema = (
            schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        )
    return schema


def _shown_value(error: ErrorDetails, document: dict[str, Any]) -> str:
    """Return the value at fault, or nothing where a secret may have been written by mistake."""
    value = value_at(document, error["loc"])
    hidden = error["type"] in {"extra_forbidden", "key", "model_type"} or any(
        str(part).endswith("SecretRef") for part in error["loc"]
    )
    if hidden or isinstance(value, dict | list) or value is None:
        return ""
    return redact(value) if isinstance(value, str) else json.dumps(value)
