"""Whether a promise is kept, as the status tells it: True and False only by evidence of this very promise."""

from dataclasses import replace

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


def test_what_an_engine_judges_by_a_former_promise_says_nothing_of_this_one() -> None:
    it = kept()
    it.promises("5ms")
    it.look(25)
    assert it.slo_met == ("Unknown", "NotJudged")
    assert it.message == "no limits file with this promise was written yet"


def test_verdicts_count_from_when_the_promise_is_in_force_in_the_engine() -> None:
    it = kept()
    former = it.engine.told
    it.promises("5ms")
    it.tell()
    now, it.engine.told = it.engine.told, former
    it.look(5)
    assert it.slo_met == ("Unknown", "NotJudged")
    assert it.message == "chat-1: rank 0 keeps to generation 1, and this promise is of generation 2"
    it.engine.told = now
    it.look(3, bad_share=0.06)
    assert it.slo_met == ("False", "Missed")
    assert it.message.startswith("between-tokens: 6.0% beyond 5ms")


@pytest.mark.parametrize("mode", ["Recommend", "Disabled"])
def test_new_objectives_begin_a_new_window_in_every_mode(mode: str) -> None:
    it = Watched(mode=mode)
    it.tell()
    it.look(25, bad_share=0.2)
    it.promises("5ms")
    it.tell()
    it.look(3)
    assert it.slo_met == ("True", "Met")


def test_what_an_engine_judges_by_somebody_elses_file_is_not_counted_before_nor_after() -> None:
    it = kept()
    ours = it.engine.told
    it.engine.told = replace(ours, generation=9, writer="somebody")
    it.look(2, bad_share=0.5)
    assert it.slo_met == ("Unknown", "NotJudged")
    assert it.message == "chat-1: rank 0 keeps to a file of somebody"
    it.engine.told = ours
    it.look(2)
    assert it.slo_met == ("True", "Met")


def test_a_limit_that_moves_takes_nothing_from_the_window() -> None:
    it = Watched(mode="Auto")
    it.tell()
    it.look(3)
    for _ in range(4):
        it.look(bad_share=0.2)
        it.tell()
    assert it.tuned.wanted()
    assert it.slo_met == ("False", "Missed")
    assert it.status["tuning"]["window"] == "1m30s"


UNSURE = "between-tokens: {share} beyond 30ms, allowed are 5.0%, which is not certain"


def unclear(stands: str) -> Watched:
    """A promise of which that stands, and since then a window whose bad share is near what is allowed."""
    it = Watched()
    it.tell()
    # Of the gaps no more are independent than there are requests: 20 in a cycle.
    it.engine.requests_per_second = 20 / 15
    it.look(25, bad_share=0.0 if stands == "True" else 0.3)
    assert it.slo_met[0] == stands
    return it


@pytest.mark.parametrize(("stands", "share"), [("True", 0.055), ("False", 0.045)])
def test_what_could_be_chance_changes_nothing_and_is_said_to_be_uncertain(stands: str, share: float) -> None:
    it = unclear(stands)
    it.look(25, bad_share=share)
    assert it.slo_met[0] == stands
    assert it.message == UNSURE.format(share=f"{100 * share:.1f}%")


@pytest.mark.parametrize(("stands", "share", "then"), [("True", 0.3, "False"), ("False", 0.0, "True")])
def test_clear_evidence_changes_what_stands(stands: str, share: float, then: str) -> None:
    it = unclear(stands)
    it.look(25, bad_share=share)
    assert it.slo_met[0] == then


@pytest.mark.parametrize(("share", "told"), [(0.055, "False"), (0.045, "True")])
def test_what_stands_of_another_spec_decides_nothing(share: float, told: str) -> None:
    it = unclear("True" if told == "False" else "False")
    it.promises("40ms")
    it.tell()
    it.look(25, bad_share=share)
    assert it.slo_met[0] == told
