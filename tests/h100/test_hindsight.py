"""What the tuner makes of a log, from its last change on."""

from typing import Any

import pytest

from benchmarks.h100.hindsight import outcomes
from setpoint.signals.reading import Judged
from setpoint.tuner.guard import Policy
from setpoint.tuner.record import Record
from tests.tuner.builders import Tuned

MANY_LATE = Judged(300, 700)


def records(tuned: Tuned) -> list[Record]:
    """Return the log of what was looked at."""
    of = zip(tuned.observations, tuned.decisions, strict=True)
    states = [*(state for _, state in tuned.observations[1:]), tuned.state]
    return [
        Record(observation, tuned.settings, before, decision, after)
        for ((observation, before), decision), after in zip(of, states, strict=True)
    ]


def log(*served: dict[str, Any]) -> list[Record]:
    """Return a log in which the budget is lowered, and then so much is served before each look."""
    tuned = Tuned()
    tuned.lower()
    for each in served:
        tuned.serve(**each)
        tuned.look(waiting=20.0)
    return records(tuned)


def test_late_first_tokens_count_in_a_window_that_begins_before_them_and_in_no_later_one() -> None:
    first, second, *_ = outcomes(log({}, {"ttft": MANY_LATE}, {}, {}))
    assert first.change is not None
    assert first.change.policy is Policy.SHED
    assert first.begins_seconds == 10
    assert first.ends_seconds == 20
    assert second.change is None
    assert second.ends_seconds == 40


def test_one_window_is_that_which_the_tuner_begins_by_itself() -> None:
    # The first look sees the change in force and lets it settle; ten seconds later that is over.
    assert [each.is_own for each in outcomes(log({}, {}, {}, {}))] == [False, True, False, False]


def test_a_log_in_which_nothing_changed_is_refused() -> None:
    tuned = Tuned()
    tuned.look()
    with pytest.raises(ValueError, match="no limit was changed in this log"):
        next(outcomes(records(tuned)))
