"""Whether a promise is kept, as the status tells it: True and False only by evidence of this very promise."""

import pytest

from setpoint.api.reasons import Reason
from tests.controllers.tuning.watched import Watched


def kept() -> Watched:
    """A promise that is kept, by a whole window."""
    it = Watched()
    it.tell()
    it.look(25)
    assert it.slo_met == ("True", "Met")
    return it


def test_an_operator_that_starts_anew_leaves_what_stands_until_it_has_seen_enough() -> None:
    it = kept()
    it.restart()
    it.look()
    assert it.slo_met == ("True", "Met")


def test_what_stands_of_another_spec_is_not_left_by_an_operator_that_starts_anew() -> None:
    it = kept()
    it.restart()
    it.promises("5ms")
    it.tell()
    it.look(bad_share=0.5)
    assert it.slo_met == ("Unknown", "NotEnoughTraffic")
    it.look(bad_share=0.5)
    assert it.slo_met == ("False", "Missed")


@pytest.mark.parametrize(
    ("missing", "outdone", "reason"),
    [
        ({"engines": "Prometheus: had no answer"}, None, "SignalLost"),
        ({"engines": "there is none"}, Reason.NO_PROMETHEUS, "NoPrometheus"),
    ],
)
def test_an_operator_that_starts_anew_and_is_told_nothing_says_that_it_does_not_know(
    missing: dict[str, str], outdone: Reason | None, reason: str
) -> None:
    it = kept()
    it.restart()
    it.look(missing=missing, outdone=outdone)
    assert it.slo_met == ("Unknown", reason)
