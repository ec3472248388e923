from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.workload.lengths import Empirical, Lognormal, Uniform, parse_lengths


@given(st.integers(1, 5000), st.integers(0, 5000), st.integers())
def test_uniform_lengths_stay_within_their_bounds(least: int, more: int, seed: int) -> None:
    lengths = parse_lengths(f"uniform:{least}:{least + more}")
    assert least <= lengths.sample(Random(seed)) <= least + more


@given(st.integers(1, 5000), st.floats(0, 5), st.integers(1, 100), st.integers())
def test_lognormal_lengths_are_cut_and_never_below_one(
    median: int, sigma: float, most: int, seed: int
) -> None:
    assert 1 <= Lognormal(median, sigma, most).sample(Random(seed)) <= most


def test_half_of_the_lognormal_lengths_are_below_the_median() -> None:
    random = Random(1)
    draws = [parse_lengths("lognormal:512:0.8").sample(random) for _ in range(4000)]
    assert 0.47 < sum(draw < 512 for draw in draws) / len(draws) < 0.53


@pytest.mark.parametrize(
    "text", ["lognormal:512:0", "lognormal:512:0.8", "lognormal:512:0.8:600", "lognormal:512:2:4000"]
)
def test_the_mean_of_lognormal_lengths_is_that_of_what_is_drawn(text: str) -> None:
    random, lengths = Random(1), parse_lengths(text)
    draws = [lengths.sample(random) for _ in range(20_000)]
    assert lengths.mean == pytest.approx(sum(draws) / len(draws), rel=0.02)


@pytest.mark.parametrize("text", ["fixed:128", "128"])
def test_a_fixed_length_can_be_written_in_two_ways(text: str) -> None:
    assert parse_lengths(text) == Uniform(128, 128)


def test_lengths_can_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "lengths").write_text("3\n5\n5\n")
    assert parse_lengths(f"file:{tmp_path}/lengths") == Empirical((3, 5, 5))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a whole number"),
        ("normal:3:4", "no distribution"),
        ("uniform:5", "no distribution"),
        ("uniform:9:5", "swap them"),
        ("uniform:0:5", "from 1 to"),
        ("lognormal:5:-1", "from 0 to 5"),
        ("lognormal:5:nan", "from 0 to 5"),
        ("lognormal:5:1:2:3", "no distribution"),
        ("file:/nonexistent", "/nonexistent"),
        ("1.5", "not a whole number"),
    ],
)
def test_what_is_no_distribution_is_told_with_what_would_work(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_lengths(text)
