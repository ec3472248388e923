"""Templates render values as values: never as structure, never changed."""

from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.orchestrations import templates
from setpoint.orchestrations.templates import render

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOSTILE = [
    "---",
    "\u2028",
    "\x85",
    "\x7f",
    "\0",
    "!hole 0",
    "{{ x }}",
    "{% x %}",
    "a: b",
    "- a",
    "&a *a",
    "\U0001f600",
    "",
]


@pytest.fixture(autouse=True)
def manifests(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "scalar": "before: 1\nvalue: {{ value }}\nafter: {{ after }}\n",
        "places": "{{ key }}: {{ value }}\nflow: [{{ value }}, {b: {{ value }}}]\nitems:\n- {{ value }}\n",
        "condition": "a: 1\n{% if value %}\nb: {{ value }}\n{% endif %}\n",
        "quoted": 'value: "{{ value }}"\n',
        "within": "value: name-{{ value }}\n",
        "comment": "value: 1 # {{ value }}\n",
    }
    monkeypatch.setattr(templates._ENVIRONMENT, "loader", jinja2.DictLoader(files))
    monkeypatch.setattr(templates._ENVIRONMENT, "cache", {})


@given(JSON)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    assert render("scalar", value=value, after="x") == {"before": 1, "value": value, "after": "x"}


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_means_something_to_yaml_is_a_value_in_every_place(text: str) -> None:
    assert render("places", key=text, value=text) == {
        text: text,
        "flow": [text, {"b": text}],
        "items": [text],
    }


def test_what_two_values_share_is_not_shared_by_the_objects() -> None:
    shared = {"a": [1]}

    rendered = render("scalar", value=shared, after=shared)
    rendered["value"]["a"].append(2)
    assert rendered["after"] == shared == {"a": [1]}


def test_rendering_again_is_not_changed_by_what_was_done_to_the_first_object() -> None:
    render("scalar", value=1, after=2)["before"] = 7

    assert render("scalar", value=1, after=2)["before"] == 1


@pytest.mark.parametrize("manifest", ["quoted", "within", "comment"])
def test_a_value_that_is_no_whole_scalar_is_a_fault_of_the_template(manifest: str) -> None:
    with pytest.raises(ValueError, match="whole scalar"):
        render(manifest, value="x")


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="after"):
        render("scalar", value=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_is_not_json_is_an_error(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        render("scalar", value=value, after=1)


def test_a_key_that_is_no_text_is_an_error() -> None:
    with pytest.raises(TypeError, match="must be text"):
        render("places", key=1, value=1)


def test_conditions_decide_the_structure() -> None:
    assert render("condition", value="") == {"a": 1}
    assert render("condition", value="b: 2\nc: 3") == {"a": 1, "b": "b: 2\nc: 3"}
