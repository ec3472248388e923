"""Rules that a schema cannot say, each written once for both places where it is checked.

The API server evaluates a rule's CEL expression at admission (KEP-2876). `setpoint validate` and the operator
evaluate its Python twin, because no CEL library for Python knows Kubernetes' own functions (`quantity`,
`duration`, `isQuantity`). The two stand side by side, and a test puts the same objects before both.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

EXTENSION = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what the API server evaluates, what Python evaluates, and what a person is told."""

    expression: str
    """CEL over `self`, and over `oldSelf` in a transition rule."""
    message: str
    """What is wanted, in one line that says what would work."""
    holds: Callable[[Any], bool] | None = None
    """The same over the parsed value. None for a transition rule: without a cluster there is no old one."""
    field: str | None = None
    """JSON path of the one field to mend, where the rule stands on an object around it."""

    def to_schema(self) -> dict[str, str]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        schema = {"rule": self.expression, "message": self.message}
        return schema | {"fieldPath": f".{self.field}"} if self.field else schema


def _check(rules: tuple[Rule, ...], value: Any) -> None:
    """Raise ValidationError with one entry for each broken rule, at the field that the rule names."""
    broken = [
        InitErrorDetails(
            type=PydanticCustomError("rule", "{message}", {"message": rule.message}),
            loc=tuple(rule.field.split(".")) if rule.field else (),
            input=value,
        )
        for rule in rules
        if rule.holds is not None and not rule.holds(value)
    ]
    if broken:
        raise ValidationError.from_exception_data("rules", broken)


def matches(pattern: str, message: str) -> Rule:
    """Return the rule that a whole text matches `pattern`, which must mean the same to RE2 and to Python.

    Used instead of the schema's own `pattern`, whose message would be the expression itself.
    """
    return Rule(matches_cel("self", pattern), message, lambda text: re.fullmatch(pattern, text) is not None)


def matches_cel(value: str, pattern: str) -> str:
    """Return the CEL condition that the whole of `value`, itself CEL, matches `pattern`."""
    return f"{value}.matches(r'^({pattern})$')"


class Ruled:
    """Rules over one value: `Annotated[str, Ruled(Rule(...))]`."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules

    def _checked(self, value: Any) -> Any:
        _check(self._rules, value)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        json_schema = handler(schema)
        json_schema[EXTENSION] = [
            *json_schema.get(EXTENSION, []),
            *(rule.to_schema() for rule in self._rules),
        ]
        return json_schema


class ApiModel(BaseModel):
    """An object of a custom resource: camelCase in JSON, documented by docstrings, with rules of its own."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True, frozen=True
    )
    rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules over the object as a whole."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        """Drop fields that are null, as the API server does before it sets defaults."""
        return (
            {key: value for key, value in data.items() if value is not None}
            if isinstance(data, dict)
            else data
        )

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        _check(type(self).rules, self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        json_schema = handler.resolve_ref_schema(handler(schema))
        if cls.rules:
            json_schema[EXTENSION] = [rule.to_schema() for rule in cls.rules]
        return json_schema
