from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.workload.arrivals import parse_arrivals

PATTERNS = ["poisson", "constant", "burst:8", "ramp:3", "ramp:0", "step:2:0.5"]


@given(st.sampled_from(PATTERNS), st.floats(0.1, 200), st.floats(0.1, 20), st.integers())
def test_offsets_ascend_within_the_duration(text: str, rate: float, duration: float, seed: int) -> None:
    offsets = list(parse_arrivals(text).offsets_seconds(rate, duration, Random(seed)))
    assert all(0 <= offset < duration for offset in offsets)
    assert all(before <= after for before, after in pairwise(offsets))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("poisson", 20), ("constant", 20), ("burst:8", 20), ("ramp:3", 40), ("step:2:0.5", 30)],
)
def test_as_many_come_as_the_pattern_promises(text: str, expected: float) -> None:
    offsets = list(parse_arrivals(text).offsets_seconds(20, 1000, Random(3)))
    assert len(offsets) / 1000 == pytest.approx(expected, rel=0.06)


def test_a_step_comes_at_its_share_of_the_duration() -> None:
    offsets = list(parse_arrivals("step:4:0.75").offsets_seconds(20, 1000, Random(3)))
    before = sum(offset < 750 for offset in offsets)
    assert before / 750 == pytest.approx(20, rel=0.06)
    assert (len(offsets) - before) / 250 == pytest.approx(80, rel=0.06)


def test_a_burst_comes_at_one_instant() -> None:
    offsets = list(parse_arrivals("burst:5").offsets_seconds(10, 100, Random(3)))
    assert all(offsets.count(offset) == 5 for offset in offsets)


def test_a_seed_gives_the_same_arrivals_again() -> None:
    first, second = (list(parse_arrivals("poisson").offsets_seconds(9, 9, Random(7))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "text", ["", "poison", "burst", "burst:0", "burst:1.5", "burst:nan", "ramp:-1", "step:2:1", "step:x:0.5"]
)
def test_what_is_no_pattern_is_told_with_what_would_work(text: str) -> None:
    with pytest.raises(ValueError, match="write poisson, constant"):
        parse_arrivals(text)
