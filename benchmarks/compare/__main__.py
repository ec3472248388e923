"""Compare pairs of runs of which the difference is known: `python -m benchmarks.compare`.

Equal runs with different seeds (A/A) tell how often noise is called a difference; runs of an engine whose
steps take longer, or under another rate (A/B), how often a difference is seen. Each run is a load test of one
stage in virtual time; the code of `setpoint loadtest` and `setpoint compare` does the rest.

Counts go to results/pairs.json: for each figure how many pairs had it judged, in how many it differed beyond
its own 95 % interval, and in how many the verdict was better or worse, all figures compared at once.
"""

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.compare.loads import Setting, measured
from benchmarks.simulator.machine import description
from setpoint.compare.comparison import Verdict, compare
from setpoint.compare.runs import Run

RESULT = Path(__file__).with_name("results") / "pairs.json"
HALF, NEAR = Setting(20.0, 60.0), Setting(39.0, 60.0)
"""This engine sustains about 43 requests a second."""
_ALPHA = 0.05


def main() -> None:
    """Compare all pairs, print a line for each kind and write the counts."""
    kinds: list[tuple[str, Setting, Setting, int]] = []
    for name, setting in (("half of capacity", HALF), ("90 % of capacity", NEAR)):
        for seconds, pairs in ((60.0, 60), (180.0, 30)):
            each = replace(setting, seconds=seconds)
            kinds.append((f"A/A, {name}, {seconds:g} s", each, each, pairs))
    for percent in (5, 10, 20):
        factor = 1 + percent / 100
        kinds += [
            (f"A/B, steps {percent} % longer, half of capacity, 60 s", HALF,
             replace(HALF, step_factor=factor), 20),
            (f"A/B, rate {percent} % higher, half of capacity, 60 s", HALF,
             replace(HALF, rate_per_second=HALF.rate_per_second * factor), 20),
        ]  # fmt: skip
    told = []
    for name, first, second, pairs in kinds:
        told.append(
            {"kind": name, "first": asdict(first), "second": asdict(second)} | counted(first, second, pairs)
        )
        print({key: told[-1][key] for key in ("kind", "pairs", "pairs_called")}, flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(
        json.dumps({"machine": description(), "kinds": told}, indent=1) + "\n", encoding="utf-8"
    )


def counted(first: Setting, second: Setting, pairs: int) -> dict[str, Any]:
    """Return how many of so many pairs differ, by figure."""
    judged, beyond, called = Counter[str](), Counter[str](), Counter[str]()
    stationary = pairs_called = 0
    for pair in range(pairs):
        runs = [
            Run(label, "", measured(setting, 2 * pair + offset))
            for label, setting, offset in (("A", first, 1), ("B", second, 2))
        ]
        comparison = compare(runs)
        (match,) = comparison.matches
        verdicts = {each.name: each.verdict(comparison.threshold) for each in match.figures}
        stationary += not match.flaws
        pairs_called += any(each in (Verdict.BETTER, Verdict.WORSE) for each in verdicts.values())
        for each in match.figures:
            if verdicts[each.name] is Verdict.NOT_JUDGED or each.difference is None:
                continue
            judged[each.name] += 1
            beyond[each.name] += each.difference.p_value <= _ALPHA
            called[each.name] += verdicts[each.name] is not Verdict.NOISE
    return {
        "pairs": pairs,
        "pairs_stationary": stationary,
        "pairs_called": pairs_called,
        "figures": {
            name: {"judged": judged[name], "beyond_its_interval": beyond[name], "called": called[name]}
            for name in judged
        },
    }


if __name__ == "__main__":
    main()
