import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.planner.captured import SIZES, snapped_down, started_sequences


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


@pytest.mark.parametrize(
    ("tokens", "sequences", "most", "started"),
    [
        (512, 136, 1024, 256),
        (512, 300, 1024, 300),
        (128, 56, 256, 128),
        (512, 60, 64, 64),
        (2048, 40, 1024, 256),
    ],
)
def test_as_many_sequences_are_started_as_the_graphs_of_all_steps_need(
    tokens: int, sequences: int, most: int, started: int
) -> None:
    assert started_sequences(tokens, sequences, most) == started


@given(st.floats(1, 512))
def test_no_captured_size_lies_between(sequences: float) -> None:
    size = snapped_down(sequences)
    assert size <= sequences
    assert not any(size < each <= sequences for each in SIZES)
