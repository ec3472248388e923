"""The reference pages, written from the CRDs: what they say is what the API server holds."""

import json
from collections.abc import Iterator
from typing import Any

from setpoint.api.crd import SHORT_NAME, inference_service_crd, tuning_checkpoint_crd
from setpoint.api.inferenceservice import GROUP, VERSION
from setpoint.api.reasons import Reason
from setpoint.api.rules import EXTENSION

Schema = dict[str, Any]

_NOTE = (
    "<!-- Written by `make generate` from the models in operator/setpoint/api: change those, not this. -->"
)
_BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} entries"),
)


def inference_service_reference() -> str:
    """Return docs/reference/inferenceservice.md as Markdown."""
    also = f", short name `{SHORT_NAME}`. `kubectl explain {SHORT_NAME}.spec` says the same."
    lines = _page(inference_service_crd(), also)
    lines += ["## Reasons of conditions", "", "| Reason | Meaning |", "|---|---|"]
    lines += [f"| `{reason}` | {_cell(reason.meaning)} |" for reason in Reason]
    return "\n".join(lines) + "\n"


def tuning_checkpoint_reference() -> str:
    """Return docs/reference/tuningcheckpoint.md as Markdown."""
    also = (
        ". One for each [InferenceService](inferenceservice.md) that is tuned, of its name and owned by it."
    )
    return "\n".join(_page(tuning_checkpoint_crd(), also)).rstrip() + "\n"


def _page(crd: Schema, also: str) -> list[str]:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    lines = [
        f"# {crd['spec']['names']['kind']}",
        "",
        _NOTE,
        "",
        f"{schema['description']} API version `{GROUP}/{VERSION}`{also}",
        "",
    ]
    rules = [f"- `metadata.name` {rule['message']}" for rule in schema.get(EXTENSION, ())]
    lines += [*rules, ""] if rules else []
    for name in ("spec", "status"):
        lines += _object(name, schema["properties"][name]) if name in schema["properties"] else ()
    return lines


def _object(path: str, schema: Schema) -> Iterator[str]:
    """Yield the section of one object, then those of the objects within it."""
    properties: dict[str, Schema] = schema["properties"]
    yield from (
        f"## {path}",
        "",
        schema["description"],
        "",
        "| Field | Type | Default | Meaning |",
        "|---|---|---|---|",
    )
    for name, field in properties.items():
        default = "required" if name in schema.get("required", ()) else _default(field)
        yield f"| `{name}` | {_type(f'{path}.{name}', field)} | {default} | {_cell(field['description'])} |"
    yield ""
    rules = list(_rules(schema))
    if rules:
        yield from (*rules, "")
    for name, field in properties.items():
        inner = field.get("items", field)
        if "properties" in inner:
            yield from _object(_section(f"{path}.{name}", field), inner)


def _rules(schema: Schema) -> Iterator[str]:
    """Yield what CEL holds: of each field, of the entries of a list, and of the object as a whole."""
    for name, field in schema["properties"].items():
        for rule in (*field.get(EXTENSION, ()), *field.get("items", {}).get(EXTENSION, ())):
            if "properties" not in field and "fieldPath" not in rule:
                yield f"- `{name}` {rule['message']}"
    for rule in schema.get(EXTENSION, ()):
        yield f"- `{rule['fieldPath'].removeprefix('.')}` {rule['message']}"


def _section(path: str, field: Schema) -> str:
    return f"{path}[]" if field["type"] == "array" else path


def _type(path: str, field: Schema) -> str:
    if field["type"] == "array":
        items = field["items"]
        text = "list of " + ("objects" if items["type"] == "object" else f"{items['type']}s")
    else:
        text = field["type"]
    if "properties" in field.get("items", field):
        anchor = _section(path, field).lower().replace(".", "").replace("[]", "")
        text = f"[{text}](#{anchor})"
    if "enum" in field:
        text += ": " + ", ".join(f"`{value}`" for value in field["enum"])
    bounds = [words.format(field[key]) for key, words in _BOUNDS if key in field]
    return text + (f", {', '.join(bounds)}" if bounds else "")


def _default(field: Schema) -> str:
    if "default" not in field:
        return ""
    return "see there" if field["default"] == {} else f"`{json.dumps(field['default'])}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
