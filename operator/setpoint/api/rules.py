"""Rules that a schema cannot say, each written once for both places where it is checked.

The API server evaluates a rule's CEL expression at admission (KEP-2876). `setpoint validate` and the operator
evaluate its Python twin, because no CEL library for Python knows Kubernetes' own functions (`quantity`,
`duration`, `isQuantity`). The two stand side by side, and a test puts the same objects before both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EXTENSION = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what the API server evaluates, what Python evaluates, and what a person is told."""

    expression: str
    """CEL over `self`, and over `oldSelf` in a transition rule."""
    message: str
    """What is wanted, in one line that says what would work."""
    holds: Callable[[Any], bool] | None = None
    """The same over the parsed value. None for a transition rule: without a cluster there is no old object."""

    def to_schema(self) -> dict[str, str]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        return {"rule": self.expression, "message": self.message}


def _check(rules: tuple[Rule, ...], value: Any) -> None:
    broken = [rule.message for rule in rules if rule.holds is not None and not rule.holds(value)]
    if broken:
        raise PydanticCustomError("rule", "{message}", {"message": "; ".join(broken)})


class Ruled:
    """Rules over one value: `Annotated[str, Ruled(Rule(...))]`."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules

    def _checked(self, value: Any) -> Any:
        _check(self._rules, value)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler(schema)
        json_schema[EXTENSION] = [*json_schema.get(EXTENSION, []), *(rule.to_schema() for rule in self._rules)]
        return json_schema


class ApiModel(BaseModel):
    """An object of a custom resource: camelCase in JSON, documented by its docstrings, with rules of its own."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True, frozen=True
    )
    rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules over the object as a whole."""

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        _check(type(self).rules, self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler.resolve_ref_schema(handler(schema))
        if cls.rules:
            json_schema[EXTENSION] = [rule.to_schema() for rule in cls.rules]
        return json_schema
