import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.planner.captured import SIZES, snapped_down


@pytest.mark.parametrize(
    ("sequences", "size"),
    [
        (0.5, 1),
        (3, 2),
        (7.9, 4),
        (8, 8),
        (255, 248),
        (256, 256),
        (271, 256),
        (272, 272),
        (520, 512),
        (531, 528),
    ],
)
def test_a_cap_is_snapped_down_to_a_captured_size(sequences: float, size: int) -> None:
    assert snapped_down(sequences) == size


@given(st.floats(1, 512))
def test_no_captured_size_lies_between(sequences: float) -> None:
    size = snapped_down(sequences)
    assert size <= sequences
    assert not any(size < each <= sequences for each in SIZES)
