import json
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from setpoint.cli.yaml_values import MAX_SIZE, parse_yaml

# Without control characters and noncharacters, which JSON may hold raw and YAML may not.
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_json_is_read_as_it_is(value: Any) -> None:
    assert list(parse_yaml(json.dumps(value, ensure_ascii=False))) == [value]


@given(_JSON)
def test_yaml_written_by_pyyaml_is_read_as_it_is(value: Any) -> None:
    assert list(parse_yaml(yaml.safe_dump(value))) == [value]


@given(st.text(max_size=40) | st.text("[]{}&*a<:-? \n!|>\"'", max_size=40))
def test_any_text_is_read_as_json_values_or_refused(text: str) -> None:
    try:
        values = list(parse_yaml(text))
    except yaml.YAMLError:
        return
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31", "2026-01-31"),
        ("1:30", "1:30"),
        ("on", True),
        ("No", False),
        ("~", None),
        ("", None),
        ("010", 8),
        ("0x1F", 31),
        ("1_000", 1000),
        ("-5", -5),
        ("1.0", 1),
        ("1e3", 1000),
        ("0.5", 0.5),
        ("'1'", "1"),
        ("=", "="),
        ("on: 1", {"true": 1}),
        ("1: a", {"1": "a"}),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ("{a: &x {k: 1, m: 2}, b: {<<: *x, k: 3}}", {"a": {"k": 1, "m": 2}, "b": {"k": 3, "m": 2}}),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
    ],
)
def test_values_are_what_kubectl_makes_of_them(text: str, value: Any) -> None:
    parsed = list(parse_yaml(f"---\n{text}"))
    assert parsed == [value]
    assert type(parsed[0]) is type(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", "the key 'a' stands twice"),
        ("{a: 1, 'a': 2}", "the key 'a' stands twice"),
        ("on: 1\n'true': 2", "the key 'true' stands twice"),
        ("[1]: a", "a key must be text"),
        ("&x [*x]", "an alias stands within itself"),
        ("*x", "found undefined alias"),
        ("[" * 200_000, "nests deeper than 100"),
        ("- " * 200 + "a", "nests deeper than 100"),
        (".inf", "a number must be finite"),
        (".NaN", "a number must be finite"),
        ("1" * 5000, "integer string conversion"),
        ("!!python/object/apply:os.system [ls]", "the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!set {a, b}", "the tag tag:yaml.org,2002:set is not known"),
        ("!secret a", "the tag !secret is not known"),
        ("<<: 1", "<< needs a mapping"),
        ('"\\ud800"', "invalid Unicode character"),
        ("a: [", "did not find expected node content"),
        ("a\tb: 'x", "found unexpected end of stream"),
    ],
)
def test_what_is_not_plain_data_is_refused(text: str, problem: str) -> None:
    with pytest.raises(yaml.YAMLError, match=re.escape(problem)):
        list(parse_yaml(text))


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [xxxxxxxxxxxxxxxx]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(
        yaml.YAMLError, match=f"is larger than {MAX_SIZE} characters with its aliases written out"
    ):
        list(parse_yaml("\n".join(lines)))


def test_several_documents_are_told_apart() -> None:
    assert list(parse_yaml("a: 1\n---\n---\n- 2\n")) == [{"a": 1}, None, [2]]


def test_floats_keep_their_fraction() -> None:
    assert math.isclose(next(parse_yaml("3.25e-2")), 0.0325)
