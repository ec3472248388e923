"""Whatever a value is, the query says this very value, in one selector."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.prom.promql import Equal, Matcher, NotEqual, OneOf, Query, Selector, TimestampQuery
from tests.prom.parser import Parsed, parse, pattern_of

METRICS = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,9}", fullmatch=True).filter(
    lambda name: name.lower() not in ("atan2", "bool", "ignoring", "inf", "nan", "on")
)
LABELS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,9}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    '"\\{}=~!,|.*+?()[]^$\n\0\x7f\ufffd\N{SNOWMAN}\N{GRINNING FACE}a'
)
MATCHERS = st.one_of(
    st.builds(Equal, LABELS, VALUES),
    st.builds(NotEqual, LABELS, VALUES),
    st.builds(OneOf, LABELS, st.sets(VALUES, min_size=1, max_size=4)),
)


def parsed(matcher: Matcher) -> tuple[str, str, frozenset[str]]:
    if isinstance(matcher, OneOf):
        return matcher.label, "=~", matcher.values
    assert isinstance(matcher, Equal | NotEqual)
    return matcher.label, "=" if isinstance(matcher, Equal) else "!=", frozenset({matcher.value})


@given(METRICS, st.lists(MATCHERS, max_size=3).map(tuple))
def test_a_query_parses_back_to_the_parts_it_was_built_from(
    metric: str, matchers: tuple[Matcher, ...]
) -> None:
    text = str(Query(Selector(metric, matchers)))
    assert parse(text) == Parsed(metric, [parsed(matcher) for matcher in matchers])


@given(METRICS, st.lists(MATCHERS, max_size=3).map(tuple))
def test_a_query_for_timestamps_is_one_function_of_one_selector(
    metric: str, matchers: tuple[Matcher, ...]
) -> None:
    text = str(TimestampQuery(Selector(metric, matchers)))
    assert text.startswith("timestamp(")
    assert text.endswith(")")
    assert parse(text[len("timestamp(") : -1]).metric == metric


@given(MATCHERS)
def test_a_query_is_printable_ascii(matcher: Matcher) -> None:
    text = str(Selector("up", (matcher,)))
    assert text.isascii()
    assert text.isprintable()


@given(st.sets(VALUES, min_size=1, max_size=4), VALUES)
def test_one_of_a_set_means_these_values_and_no_other(values: set[str], other: str) -> None:
    matcher = OneOf("pod", values)
    pattern = pattern_of(str(Selector("up", (matcher,))))
    for value in {*values, other}:
        assert (re.fullmatch(pattern, value) is not None) == (value in values) == matcher.matches(value)


@pytest.mark.parametrize(
    "name", ["", "1up", "up{", "up or vector(1)", "a-b", "up\n", "é", "{}", "inf", "NaN", "ON"]
)
def test_what_is_no_metrics_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no metric's name"):
        Selector(name)


@pytest.mark.parametrize("name", ["", "1a", "a:b", 'a="",b', "a-b", "a\n", "é", "__name__"])
@pytest.mark.parametrize("kind", [Equal, NotEqual, lambda name, value: OneOf(name, [value])])
def test_what_is_no_labels_name_is_refused(kind: type[Equal], name: str) -> None:
    with pytest.raises(ValueError, match="no label's name"):
        kind(name, "x")


@pytest.mark.parametrize("kind", [Equal, NotEqual, lambda name, value: OneOf(name, [value])])
def test_a_value_that_is_no_unicode_is_refused(kind: type[Equal]) -> None:
    with pytest.raises(ValueError, match="half a character"):
        kind("pod", "a\ud800b")


@pytest.mark.parametrize("values", [(), "chat"])
def test_a_set_of_no_values_or_a_single_text_is_refused(values: tuple[str, ...] | str) -> None:
    with pytest.raises(ValueError, match="one of a set"):
        OneOf("pod", values)


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        ({"__name__": "up", "pod": "a", "job": "x"}, True),
        ({"pod": "b"}, True),
        ({"__name__": "down", "pod": "a"}, False),
        ({"pod": "c"}, False),
        ({"pod": "a", "engine": "1"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_selector_knows_the_series_that_are_meant(labels: dict[str, str], meant: bool) -> None:
    assert Selector("up", (OneOf("pod", ["a", "b"]), NotEqual("engine", "1"))).matches(labels) is meant


def test_a_label_that_is_missing_is_empty() -> None:
    assert Selector("up", (Equal("pod", ""),)).matches({})
