from collections.abc import Sequence
from pathlib import Path

import pytest

from setpoint.loadgen.plan import Request
from setpoint.loadgen.trace import read_trace, trace_seconds

GOOD = '{"timestamp": 5.5, "prompt_tokens": 7, "output_tokens": 3, "user": "x"}\n'


def a_trace(folder: Path, text: str) -> Path:
    path = folder / "trace.jsonl"
    path.write_text(text)
    return path


def test_a_trace_begins_at_0_in_the_order_of_its_times(tmp_path: Path) -> None:
    early = '{"timestamp": 4, "prompt_tokens": 9, "output_tokens": 1}\n\n'
    requests = read_trace(a_trace(tmp_path, GOOD + early))
    assert [(each.number, each.scheduled, each.prompt_tokens) for each in requests] == [
        (0, 0.0, 9),
        (1, 1.5, 7),
    ]


def test_a_trace_can_be_replayed_faster(tmp_path: Path) -> None:
    later = GOOD.replace("5.5", "9.5")
    assert read_trace(a_trace(tmp_path, GOOD + later), speed=2)[1].scheduled == 2.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no request"),
        ("oops\n", "trace.jsonl:1.*not JSON"),
        (GOOD + '{"timestamp": 1, "prompt_tokens": 4}\n', "trace.jsonl:2: output_tokens: Field required"),
        (GOOD.replace("7", "0"), "prompt_tokens.*greater than or equal to 1"),
        (GOOD.replace("7", "1.5"), "prompt_tokens"),
        (GOOD.replace("5.5", '"soon"'), "timestamp"),
        (GOOD.replace("5.5", "NaN"), "timestamp"),
        ("3\n", "trace.jsonl:1"),
    ],
)
def test_what_is_no_trace_is_told_by_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_trace(a_trace(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_trace(tmp_path / "none")


@pytest.mark.parametrize(
    ("times", "seconds"), [(range(10), 10.0), ((0, 0, 0), 0.0), ((0,), 0.0), ((0, 0, 3), 4.5)]
)
def test_a_trace_is_a_mean_gap_longer_than_the_time_of_its_last_request(
    times: Sequence[float], seconds: float
) -> None:
    trace = [Request(number, 5, 3, float(time)) for number, time in enumerate(times)]
    assert trace_seconds(trace) == pytest.approx(seconds)
