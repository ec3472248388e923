"""What is read from one run."""

import pytest

from benchmarks.tuner.trial import output_tokens, recovered_windows, settled_seconds
from setpoint.simulator.record import Answer
from setpoint_vllm.limits_file import Limit

BASE = {Limit.TOKENS: 8192, Limit.SEQS: 1024}


def test_a_setting_is_settled_when_it_moved_last_whatever_bounds_the_queue() -> None:
    small = {**BASE, Limit.TOKENS: 512}
    assert settled_seconds([(0.0, BASE)]) == 0
    assert settled_seconds([(0.0, BASE), (60.0, small), (90.0, {**small, Limit.QUEUED_TOKENS: 9})]) == 60
    assert settled_seconds([(0.0, BASE), (60.0, small), (90.0, BASE)]) == 90


def test_windows_are_counted_from_each_change_of_the_load_to_the_first_that_kept_the_promise() -> None:
    kept = [True, True, False, False, True, False, True]
    assert recovered_windows(kept, (0.0, 120.0, 300.0)) == (2, 1)
    assert recovered_windows([True, False, False], (0.0, 60.0)) == (None,)
    assert recovered_windows([False, True], (0.0,)) == ()


@pytest.mark.parametrize("tokens", [1, 2, 130])
def test_the_tokens_of_an_answer_follow_from_its_times(tokens: int) -> None:
    gap = 0.02 if tokens > 1 else 0.0
    assert output_tokens(Answer(10 + 0.5 + gap * (tokens - 1), 10, 0.5, gap)) == tokens
