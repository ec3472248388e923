import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.compare.figures import FIGURES, failed_share, fewest_samples
from tests.compare.builders import stage


def test_the_interval_of_failures_is_that_of_wilson() -> None:
    # 3 of 100: the interval that R's prop.test(3, 100, correct = FALSE) gives.
    found = failed_share(stage(requests_offered=100, errors={"http_503": 2, "timeout": 1}))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.03, 0.01025, 0.08452), abs=5e-5)


@given(st.integers(1, 10_000), st.integers(0, 20_000))
def test_a_share_of_failures_lies_within_its_bounds(offered: int, failed: int) -> None:
    found = failed_share(stage(requests_offered=offered, errors={"timeout": failed}))
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_nothing_offered_has_no_share_of_failures() -> None:
    assert failed_share(stage(requests_offered=0)) is None


@pytest.mark.parametrize(("percentile", "samples"), [("p50", 6), ("p90", 36), ("p95", 72), ("p99", 368)])
def test_a_high_percentile_needs_many_samples(percentile: str, samples: int) -> None:
    share = int(percentile[1:]) / 100
    assert fewest_samples(percentile) == samples
    assert 1 - share**samples >= 0.975 > 1 - share ** (samples - 1)


def test_names_of_figures_are_unique() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
