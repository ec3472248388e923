from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.api.scalars import duration_seconds, quantity_bytes

_SECONDS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_BYTES = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}


@given(st.lists(st.tuples(st.integers(0, 99999), st.sampled_from(sorted(_SECONDS))), min_size=1, max_size=4))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{amount}{unit}" for amount, unit in parts)
    assert duration_seconds(text) == float(sum(amount * _SECONDS[unit] for amount, unit in parts))


@pytest.mark.parametrize(
    "text", ["", "1", "s", "1.5h", "-1s", "1s ", "1s\n", " 1s", "1d", "\u0661s", "123456s"]
)
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write for example 90s"):
        duration_seconds(text)


@given(st.integers(1, 99), st.sampled_from(sorted(_BYTES)))
def test_a_quantity_is_its_amount_times_its_unit(amount: int, unit: str) -> None:
    assert quantity_bytes(f"{amount}{unit}") == amount * _BYTES[unit]


@pytest.mark.parametrize(
    "text", ["", "1", "Gi", "0Gi", "01Gi", "1G", "1.5Gi", "-1Gi", "1Gi\n", "1e3Gi", "100Ti"]
)
def test_what_is_no_binary_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a binary quantity; write for example 512Mi"):
        quantity_bytes(text)
