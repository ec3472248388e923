from typing import Annotated

import pytest
from pydantic import Field

from setpoint.api.rules import ApiModel, Rule, Ruled
from setpoint.api.structural import structural_schema


class Leaf(ApiModel):
    """A leaf
    on two lines.
    """

    size: Annotated[int, Field(ge=0)] = 1


class Branch(ApiModel):
    leaf: Leaf = Field(default_factory=Leaf)
    """Its leaf."""


class Tree(ApiModel):
    rules = (Rule("self.size > 0", "must grow", field="size"),)

    branch: Branch = Field(default_factory=Branch)
    other: Branch | None = None
    needed: Branch
    name: Annotated[str, Ruled(Rule("self != ''", "must not be empty"))] | None = None
    counts: dict[str, int] = Field(default_factory=dict)


class Forked(ApiModel):
    either: int | str = 1


def test_objects_stand_where_they_are_used_without_titles_and_references() -> None:
    leaf = structural_schema(Tree)["properties"]["branch"]["properties"]["leaf"]
    assert leaf == {
        "type": "object",
        "description": "Its leaf.",
        "default": {},
        "properties": {"size": {"type": "integer", "format": "int64", "minimum": 0, "default": 1}},
    }


def test_only_optional_objects_are_defaulted_as_a_whole() -> None:
    properties = structural_schema(Tree)["properties"]
    assert properties["branch"]["default"] == {}
    assert "default" not in properties["other"]
    assert "default" not in properties["needed"]


def test_an_optional_field_may_be_absent_but_is_never_null() -> None:
    name = structural_schema(Tree)["properties"]["name"]
    assert name == {
        "type": "string",
        "x-kubernetes-validations": [{"rule": "self != ''", "message": "must not be empty"}],
    }


def test_a_rule_of_an_object_names_the_field_to_mend() -> None:
    rules = structural_schema(Tree)["x-kubernetes-validations"]
    assert rules == [{"rule": "self.size > 0", "message": "must grow", "fieldPath": ".size"}]


def test_a_docstring_becomes_one_paragraph() -> None:
    assert structural_schema(Leaf)["description"] == "A leaf on two lines."


def test_a_map_keeps_the_schema_of_its_values() -> None:
    counts = structural_schema(Tree)["properties"]["counts"]
    assert counts["additionalProperties"] == {"type": "integer", "format": "int64"}


def test_what_a_structural_schema_cannot_say_is_an_error() -> None:
    with pytest.raises(ValueError, match="no unions"):
        structural_schema(Forked)
