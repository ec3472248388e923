"""What can be promised of a table."""

import pytest

from benchmarks.tuner.replay.promise import Promise, parse_promise


def test_both_objectives_or_one_alone_are_taken() -> None:
    assert parse_promise("itl.p95=60ms,ttft.p95=1s") == Promise(1.0, 0.06)
    assert parse_promise("ttft.p95=1s") == Promise(ttft_p95_seconds=1.0)
    assert parse_promise("itl.p95=60ms") == Promise(itl_p95_seconds=0.06)
    assert str(Promise(1.0, 0.06)) == "itl.p95=60ms,ttft.p95=1000ms"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("itl.p99=60ms", "itl.p99=60ms cannot be judged: a table has p95s alone; promise itl.p95"),
        ("e2e.p95=6s", "e2e.p95=6000ms cannot be judged: a table has itl and ttft alone"),
        ("itl.p95=60", "'itl.p95=60': '60' is not a duration; write for example"),
        ("itl=60ms", "'itl=60ms' is no objective; write METRIC.pNN=DURATION"),
        ("itl.p95=60ms,itl.p95=50ms", "has itl twice"),
    ],
)
def test_what_a_table_cannot_judge_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_promise(text)
