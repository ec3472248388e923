"""Hold the planner's first limits against measured rows, and against sweeps of the simulator.

    python -m benchmarks.planner [--seeds 3] [--measured-only] [--results RESULTS.json]

For each promise of each case the sustainable rate of each budget up to the start's is searched in the
simulator, and that of the planner's limits; the share is the latter over that of the best budget.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.planner import measured
from benchmarks.planner.cases import CASES, Case
from benchmarks.planner.simulated import Sustained, planned, swept
from benchmarks.virtual import results
from setpoint.planner.plan import Plan, plan

_RESULTS = Path(__file__).parent / "results.json"
_DECISIVE = ("operator/setpoint/planner", "operator/setpoint/simulator")


@dataclass(frozen=True)
class Row:
    """One promise of one case."""

    case: Case
    itl_ms: float
    plan: Plan
    planned: Sustained
    default: Sustained
    swept: list[Sustained]

    @property
    def best(self) -> Sustained:
        """Of equal rates the smallest budget."""
        return max(self.swept, key=lambda each: (each.rate_per_second, -each.tokens))

    @property
    def share(self) -> float | None:
        """Of the best rate; None where no budget keeps the promise."""
        best = self.best.rate_per_second
        return self.planned.rate_per_second / best if best else None


def main() -> None:
    """Print the tables, and write what the simulator found."""
    options = _options()
    seen, cells = measured.rows(), measured.full_cells()
    for lines in (measured.choices(seen), measured.rates(seen), measured.throughput(cells)):
        print("\n".join(lines), end="\n\n", flush=True)
    if options.measured_only:
        return
    rows: list[Row] = []
    on = results.measured_on(*_DECISIVE)
    for case in CASES:
        for itl_ms in case.itl_ms:
            rows.append(_row(case, itl_ms, options.seeds))
            print(_line(rows[-1]), flush=True)
    print()
    print("\n".join(_table(rows)))
    found = {**on, "seeds": options.seeds, "rows": [asdict(row) for row in rows]}
    results.write(options.results, found, _place)


def _row(case: Case, itl_ms: float, seeds: int) -> Row:
    serving = case.serving
    chosen = plan(serving, case.promised(itl_ms), case.mix)
    every = swept(case, itl_ms, seeds)
    default = next(each for each in every if each.tokens == serving.start.max_num_batched_tokens)
    return Row(case, itl_ms, chosen, planned(case, itl_ms, chosen, seeds), default, every)


def _place(row: dict[str, Any]) -> tuple[str, ...]:
    case = row["case"]
    return case["hardware"]["model"], case["hardware"]["gpu"], case["requests"], f"{row['itl_ms']:06g}"


def _table(rows: Sequence[Row]) -> Iterable[str]:
    yield (
        "| model, GPU | requests | promise, ms | planned | predicted | simulated | best simulated | share"
        " | default |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    yield from map(_line, rows)
    shares = [row.share for row in rows if row.share is not None]
    kept = [row for row in rows if row.planned.rate_per_second and row.plan.rate_per_second]
    errors = [abs(row.plan.rate_per_second / row.planned.rate_per_second - 1) for row in kept]
    yield ""
    yield f"share of the best: median {median(shares):.0%}, least {min(shares):.0%}, of {len(shares)}"
    yield f"predicted rate: median error {median(errors):.1%}, largest {max(errors):.1%}, of {len(errors)}"


def _line(row: Row) -> str:
    chosen, best, share = row.plan, row.best, row.share
    predicted = "not kept" if chosen.shortfalls else f"{chosen.rate_per_second:.1f}"
    return (
        f"| {row.case.hardware.model}, {row.case.hardware.gpu} | {row.case.requests}"
        f" | {row.itl_ms:g}, {row.case.ttft_ms:g}"
        f" | {chosen.tokens}, {chosen.sequences} | {predicted} | {row.planned.rate_per_second:.1f}"
        f" | {best.rate_per_second:.1f}, {best.tokens} | {'-' if share is None else f'{share:.0%}'}"
        f" | {row.default.rate_per_second:.1f} |"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="of the simulator's loads (3)")
    parser.add_argument("--measured-only", action="store_true", help="leave the simulator out")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="where the sweeps go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
