"""Which runs a comparison asks for, and what it makes of them."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.governor.loads import LOADS
from benchmarks.governor.plan import CHOICE_SEEDS, LAUNCH_LAYER_SECONDS, Case, Comparison
from benchmarks.governor.rows import MissingError, Runs
from benchmarks.governor.search import RUNG
from benchmarks.governor.table import ratios, summary, sustained
from benchmarks.governor.trial import PROMISES, Arm, Outcome, Trial

CASE = Case("chat", LAUNCH_LAYER_SECONDS, 2)


@dataclass
class Engines:
    """Each arm sustains a multiple of the typical rate: 1, unless told otherwise, and 2 % more per seed."""

    multiples: dict[Arm, float] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)

    def run(self, trial: Trial) -> Outcome:
        self.trials.append(trial)
        typical = LOADS[trial.load].typical_rate_per_second
        most = typical * self.multiples.get(trial.arm, 1.0) * RUNG**trial.seed
        late = trial.rate_per_second > most * 1.001
        bad = (100 if late else 1,) * len(PROMISES)
        return Outcome(0.02, 9.0 if late else 0.1, 1.0, 1000, bad)


def test_the_best_static_is_the_one_that_sustains_most() -> None:
    engines = Engines({Arm("fixed", 768): 1.2, Arm("learned", 0.036): 1.5})
    finding = Comparison(engines.run).find(CASE, 2)
    assert finding.arms["best static"] == Arm("fixed", 768)
    assert ratios(finding, "learned 0.9") == pytest.approx([1.25, 1.25], rel=RUNG - 1)
    assert ratios(finding, "default") == pytest.approx([1 / 1.2, 1 / 1.2], rel=RUNG - 1)


def test_of_equal_statics_the_largest_is_the_best() -> None:
    finding = Comparison(Engines().run).find(CASE, 1)
    assert finding.arms["best static"] == Arm("fixed", 8192)


def test_a_finer_static_may_be_one_in_between() -> None:
    finding = Comparison(Engines({Arm("fixed", 640): 1.3}).run).find(CASE, 1)
    assert finding.arms["finer static"] == Arm("fixed", 640)
    assert finding.arms["best static"] != Arm("fixed", 640)


def test_later_seeds_are_run_on_what_the_first_ones_chose_alone() -> None:
    engines = Engines({Arm("fixed", 768): 1.2})
    comparison = Comparison(engines.run)
    comparison.find(CASE, CHOICE_SEEDS + 1)
    later = {trial.arm for trial in engines.trials if trial.seed > CHOICE_SEEDS}
    assert {arm for arm in later if arm.kind == "fixed"} == {Arm("fixed", 768), Arm("fixed", 8192)}


def test_bad_requests_are_counted_at_the_same_rates_for_each_arm() -> None:
    engines = Engines({Arm("fixed", 768): 1.2})
    finding = Comparison(engines.run).find(CASE, 1)
    assert finding.bad_shares["best static", 0.95] == [0.001]
    assert finding.bad_shares["default", 0.95] == [0.1]
    assert finding.bad_shares["best static", 1.1] == [0.1]


def test_a_case_that_no_static_sustains_is_told_and_left_out_of_the_summary() -> None:
    finding = Comparison(lambda _: Outcome(1.0, 9.0, 0.5, 10, (10,) * 6)).find(CASE, 1)
    assert finding.sustained["best static"] == [0.0]
    assert "0.00/s" in sustained([finding])
    assert len(summary([finding], lambda _: "all").splitlines()) == 2


def test_a_gain_counts_where_all_seeds_agree() -> None:
    learned = Arm("learned", 0.036)
    finding = Comparison(Engines({learned: 1.2}).run).find(CASE, 2)
    line = next(each for each in summary([finding], lambda _: "all").splitlines() if "learned 0.9" in each)
    better, worse = line.split("|")[7:9]
    assert (better.strip(), worse.strip()) == ("1", "0")


def test_no_run_that_is_kept_is_made_again(tmp_path: Path) -> None:
    engines = Engines()
    runs = Runs(tmp_path / "results.json", engines.run)
    found = Comparison(runs.measure).find(CASE, 1)
    runs.write()
    kept = Runs(tmp_path / "results.json", None)
    assert Comparison(kept.measure).find(CASE, 1) == found
    assert kept.number == len(engines.trials)


def test_a_run_that_was_not_made_is_missing(tmp_path: Path) -> None:
    trial = Trial("chat", LAUNCH_LAYER_SECONDS, Arm("fixed", 512), 1, 40.0)
    with pytest.raises(MissingError, match="chat"):
        Runs(tmp_path / "results.json", None).measure(trial)
