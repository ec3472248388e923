"""Loads, and one run of an engine whose budget is chosen for each step."""

from dataclasses import replace

import pytest

from benchmarks.governor import trial
from benchmarks.governor.loads import LOADS
from benchmarks.governor.plan import LAUNCH_LAYER_SECONDS
from benchmarks.governor.trial import PROMISES, Arm, Trial, run


@pytest.mark.parametrize("load", LOADS)
def test_a_load_is_the_same_for_a_seed_and_comes_in_order(load: str) -> None:
    sent = [(when, each.prompt_tokens, each.output_tokens) for when, each in LOADS[load].sent(10, 60, 1)]
    again = [(when, each.prompt_tokens, each.output_tokens) for when, each in LOADS[load].sent(10, 60, 1)]
    assert sent == again
    assert [when for when, *_ in sent] == sorted(when for when, *_ in sent)


def test_a_drift_begins_as_one_kind_and_ends_as_the_other() -> None:
    load = replace(LOADS["drift"], second_weight=1.0)
    outputs = [(when, each.output_tokens) for when, each in load.sent(40, 200, 1)]
    assert all(output <= 192 for when, output in outputs if when < load.warm_up_seconds)
    last = [output for when, output in outputs if when > load.warm_up_seconds + 190]
    assert sum(output > 192 for output in last) > 0.9 * len(last)


@pytest.mark.parametrize("arm", [Arm("learned", 0.036), Arm("oracle", 0.036)])
def test_a_governed_engine_keeps_gaps_near_its_target(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "WINDOW_SECONDS", 60.0)
    outcome = run(Trial("long prompts", LAUNCH_LAYER_SECONDS, arm, 1, 7.0))
    assert 0.03 < outcome.itl_p95_seconds < 0.04
    assert outcome.holds(PROMISES[2])
    fixed = run(Trial("long prompts", LAUNCH_LAYER_SECONDS, Arm("fixed", 8192), 1, 7.0))
    assert fixed.itl_p95_seconds > 0.08
