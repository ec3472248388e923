"""A pydantic model as a structural schema, the restricted OpenAPI v3 that a CustomResourceDefinition takes.

pydantic writes JSON Schema 2020-12: shared definitions, titles, `anyOf` with null for an optional field. A
structural schema has none of these (Kubernetes documentation, "Specifying a structural schema"); it wants
each object spelled out where it stands, and `default: {}` on the way down to every nested default.
"""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_KEPT = frozenset(
    {
        "default",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "required",
        "type",
    }
)
_NULL = {"type": "null"}


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of `model`, without any reference.

    Raises ValueError when a field has a type that a structural schema cannot say, such as a union.
    """
    document = model.model_json_schema(by_alias=True)
    return _convert(document, document.get("$defs", {}))


def one_paragraph(text: str) -> str:
    """Return a docstring without its line breaks, which follow the source and not the reader's terminal."""
    return " ".join(text.split())


def _convert(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _inline(schema, definitions)
    if "type" not in schema:
        raise ValueError(f"a structural schema needs a type: {schema}")
    result = {key: value for key, value in schema.items() if key in _KEPT or key.startswith("x-kubernetes-")}
    if "description" in result:
        result["description"] = one_paragraph(result["description"])
    if result["type"] == "integer":
        result["format"] = "int64"
    if "items" in schema:
        result["items"] = _convert(schema["items"], definitions)
    if "properties" in schema:
        required = schema.get("required", [])
        result["properties"] = {
            name: _property(value, definitions, required=name in required)
            for name, value in schema["properties"].items()
        }
    elif isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = _convert(schema["additionalProperties"], definitions)
    return result


def _inline(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return `schema` with its reference and its `or null` replaced by what they stand for."""
    if "anyOf" in schema:
        variants = [variant for variant in schema["anyOf"] if variant != _NULL]
        if len(variants) != 1:
            raise ValueError(f"a structural schema has no unions: {schema}")
        # No default either: `default: null` would be a value, and an absent field is what is meant.
        beside = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
        schema = {**variants[0], **beside}
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**definitions[schema["$ref"].removeprefix("#/$defs/")], **beside}
    return schema


def _property(schema: Schema, definitions: dict[str, Schema], *, required: bool) -> Schema:
    result = _convert(schema, definitions)
    if not (required or "anyOf" in schema) and _has_defaults(result):
        result["default"] = {}
    return result


def _has_defaults(schema: Schema) -> bool:
    return any("default" in field for field in schema.get("properties", {}).values())
