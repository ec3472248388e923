import pytest

from setpoint.workload.durations import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1h30m", 5400), ("500ms", 0.5), ("0.5s", 0.5), ("7.5ms", 0.0075), ("1m0.25s", 60.25)],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "60", "s", "-1s", "1.s", ".5s", "1.2.3s", "1e3s", "1 s", "123456s", "1d"]
)
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write for example"):
        duration_seconds(text)
