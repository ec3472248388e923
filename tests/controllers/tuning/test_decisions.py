"""What the operator's log tells of its decisions, and when it tells nothing."""

import json
import logging

import pytest

from setpoint.controllers.tuning.decisions import log_change
from setpoint.controllers.tuning.tuned import Tuned, after_decision, cycle
from setpoint.signals.window import DataState
from setpoint.tuner.guard import Policy
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.promise import Objective
from setpoint.tuner.record import parse_record, replay
from setpoint.tuner.state import Change, Decision, Mode, Observation, Reason, Settings
from setpoint_vllm.limits_file import Latency, parse
from tests.controllers.tuning.engines import FakeEngine

OBJECTIVE = Objective("between-tokens", Latency.ITL, 0.03)
KEY = ("team-a", "chat")


class Cycles:
    """A service with one engine that keeps to what is wanted, and the log of its cycles."""

    def __init__(self, caplog: pytest.LogCaptureFixture, mode: Mode = Mode.AUTO) -> None:
        caplog.set_level(logging.INFO, "setpoint.tuning.decisions")
        self._log = caplog
        self.engine = FakeEngine(KEY[0])
        self.tuned = Tuned()
        self.mode = mode

    def look(self, times: int = 1, *, bad_share: float = 0.0) -> None:
        """Serve for as long as a cycle takes, and do one; so often."""
        for _ in range(times):
            self.engine.serve(15.0, bad_share=bad_share)
            readings = self.engine.look(0.0).readings
            observation = Observation(self.engine.now, {name: each for (_, name), each in readings.items()})
            settings = Settings(self.mode, (OBJECTIVE,), writer="uid-1")
            text = self._told(settings)
            self.engine.told = parse(text)
            before = self.tuned
            record, self.tuned = cycle(before, observation, settings, text, 300.0)
            log_change(KEY, record, before, self.tuned)

    def _told(self, settings: Settings) -> str:
        return json.dumps(
            {
                "generation": self.tuned.state.generation,
                "writer": settings.writer,
                "limits": {limit.value: value for limit, value in self.tuned.wanted().items()},
                "objectives": [{"name": OBJECTIVE.name, "metric": "InterTokenLatency", "threshold": 0.03}],
            }
        )

    @property
    def lines(self) -> list[str]:
        """What was logged."""
        return [each.getMessage() for each in self._log.records]


def test_a_change_is_logged_as_a_record_that_comes_out_the_same(caplog: pytest.LogCaptureFixture) -> None:
    it = Cycles(caplog)
    it.look(3)
    it.look(2, bad_share=0.2)

    (line,) = it.lines
    name, _, record = line.partition(": ")
    assert name == "team-a/chat"
    assert replay([parse_record(record)]) == []
    assert parse_record(record).after.knobs.tokens == 1024


def test_cycles_in_which_nothing_moves_are_silent(caplog: pytest.LogCaptureFixture) -> None:
    it = Cycles(caplog)
    it.look(20, bad_share=0.01)
    assert it.lines == []


def test_a_recommendation_is_logged_once_though_it_is_made_in_each_cycle(
    caplog: pytest.LogCaptureFixture,
) -> None:
    it = Cycles(caplog, Mode.RECOMMEND)
    it.look(3)
    it.look(10, bad_share=0.2)

    (line,) = it.lines
    decision = parse_record(line.partition(": ")[2]).decision
    assert decision.change is not None
    assert not decision.is_applied


def recommended(queued_tokens: int | None, *, tokens: int | None = None) -> Decision:
    """What Recommend comes to in one cycle."""
    policy = Policy.SHED if queued_tokens else Policy.SMALLER_BUDGET
    change = Change(policy, "why", Knobs(), Knobs(tokens=tokens, queued_tokens=queued_tokens))
    return Decision(Reason.RECOMMENDING, "", DataState.OK, change=change)


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        (recommended(3_100), [3_000]),
        (recommended(2_251), [3_000]),
        (recommended(3_800), [3_800, 3_000]),
        (recommended(2_000), [2_000, 3_000]),
        (recommended(3_000, tokens=1024), [3_000, 3_000]),
        (recommended(None, tokens=1024), [None, 3_000]),
    ],
)
def test_a_recommendation_by_figures_that_are_a_little_different_is_no_new_one(
    later: Decision, kept: list[int | None]
) -> None:
    done = after_decision((), recommended(3_000), 1.0)
    assert [each.change.after.queued_tokens for each in after_decision(done, later, 2.0)] == kept


def test_recommended_values_that_drift_are_held_against_the_one_that_is_shown() -> None:
    done = after_decision((), recommended(3_000), 1.0)
    for number, value in enumerate((3_300, 3_600, 3_900)):
        done = after_decision(done, recommended(value), 2.0 + number)
    assert [each.change.after.queued_tokens for each in done] == [3_900, 3_000]


def test_limits_that_go_back_since_tuning_stops_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    it = Cycles(caplog)
    it.look(3)
    it.look(2, bad_share=0.2)
    it.mode = Mode.DISABLED
    it.look(3)

    assert [parse_record(line.partition(": ")[2]).after.knobs.tokens for line in it.lines] == [1024, None]


def texts_in(value: object) -> set[str]:
    """All texts in it but the names of fields."""
    if isinstance(value, str):
        return {value}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(texts_in, parts))


def test_a_record_holds_figures_words_of_ours_and_names_and_so_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    it = Cycles(caplog)
    it.look(3)
    it.look(2, bad_share=0.2)

    record = json.loads(it.lines[0].partition(": ")[2])
    assert record.keys() == {"observation", "settings", "before", "decision", "after"}
    assert record["observation"].keys() == {
        "now_seconds", "readings", "missing", "told_generation", "may_plan",
    }  # fmt: skip
    assert record["observation"]["readings"].keys() == {"chat-1"}
    assert texts_in(record) - {""} == {
        "Auto",
        "Broken",
        "Guarding",
        "InterTokenLatency",
        "OK",
        "Restore",
        "SmallerBudget",
        "between-tokens",  # the objective's name
        "between-tokens: 10 % of 120,000 are beyond 0.03 s, allowed are 5 %",
        "uid-1",  # whose limits they are
    }


def test_a_record_of_one_engine_is_a_few_kilobytes(caplog: pytest.LogCaptureFixture) -> None:
    it = Cycles(caplog)
    it.look(3)
    it.look(2, bad_share=0.2)
    assert len(it.lines[0]) < 6_000
