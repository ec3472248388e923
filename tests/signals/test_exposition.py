"""The text that an engine serves as /metrics is read for the metrics that are asked for, or refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import NAMES
from setpoint.signals.series import Series
from tests.signals.builders import EXPOSITION


def test_the_metrics_that_are_asked_for_are_read_and_no_others() -> None:
    names = {"vllm:num_requests_running", "setpoint_engine_limits_supported"}
    assert parse_exposition(EXPOSITION, names) == [
        Series("vllm:num_requests_running", {"engine": "0", "model_name": "tiny"}, 3.0),
        Series("setpoint_engine_limits_supported", {}, 1.0),
    ]


labels = st.dictionaries(
    st.sampled_from(["engine", "model_name", "writer"]), st.text(st.characters(codec="utf-8")), min_size=3
)


@given(labels, st.floats(min_value=0, allow_nan=False))
def test_what_the_client_library_renders_is_read_back(of: dict[str, str], value: float) -> None:
    registry = CollectorRegistry()
    Gauge("wanted", "a\nb\\c", sorted(of), registry=registry).labels(**of).set(value)
    Counter("other", "another", sorted(of), registry=registry).labels(**of).inc()
    assert parse_exposition(generate_latest(registry).decode(), {"wanted"}) == [Series("wanted", of, value)]


@given(st.text())
def test_no_text_is_answered_by_anything_but_samples_or_what_is_wrong_with_it(text: str) -> None:
    for served in (text, f"vllm:prompt_tokens_total{text}", f"vllm:prompt_tokens_total{{{text}"):
        with suppress(ValueError):
            parse_exposition(served, NAMES)


@pytest.mark.parametrize("separator", [" ", "\t", "  "])
def test_any_blank_ends_a_name(separator: str) -> None:
    assert parse_exposition(f"wanted{separator}1\n", {"wanted"}) == [Series("wanted", {}, 1.0)]


@pytest.mark.parametrize("line", ["wanted", "wanted many", 'wanted{a="b} 1', "wanted{a=b} 1"])
def test_a_line_that_is_no_sample_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not the Prometheus text format"):
        parse_exposition(line, {"wanted"})
