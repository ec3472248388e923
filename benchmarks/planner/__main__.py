"""Hold the planner's first limits against measured rows, and against sweeps of the simulator.

    python -m benchmarks.planner [--seeds 3] [--measured-only] [--results RESULTS.json]

Each budget up to the start's is swept in the simulator, for each promise of each case, and so are the
planner's limits; the share is the planner's simulated rate over that of the best budget.
"""

import argparse
import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.planner import measured
from benchmarks.planner.cases import CASES, Case
from benchmarks.planner.simulated import Sustained, sustained, sweep
from setpoint.planner.budget import Budget
from setpoint.planner.plan import Plan, plan
from setpoint.planner.sequences import most_held

_RESULTS = Path(__file__).parent / "results.json"
_ABOVE_CAPACITY = 1.5
"""Of the highest predicted capacity: where a bisection begins, so that it is no bound."""


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
    found, cells = measured.rows(), measured.full_cells()
    for lines in (measured.choices(found), measured.rates(found), measured.throughput(cells)):
        print("\n".join(lines), end="\n\n", flush=True)
    if options.measured_only:
        return
    rows = []
    for case in CASES:
        for itl_ms in case.itl_ms:
            rows.append(_row(case, itl_ms, options.seeds))
            print(_line(rows[-1]), flush=True)
    print()
    print("\n".join(_table(rows)))
    content = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "seeds": options.seeds,
        "rows": [asdict(row) for row in rows],
    }
    options.results.write_text(json.dumps(content, indent=1) + "\n")


def _row(case: Case, itl_ms: float, seeds: int) -> Row:
    promised = case.promised(itl_ms)
    serving = case.serving
    chosen = plan(serving, promised, case.mix)
    start = serving.start
    largest = Budget(serving, case.mix, start.max_num_batched_tokens, most_held(serving, case.mix))
    highest = _ABOVE_CAPACITY * max(largest.capacity_per_second, chosen.capacity_per_second)
    swept = sweep(case, promised, highest, seeds)
    planned = sustained(case, promised, chosen.tokens, chosen.sequences, highest, seeds)
    default = next(each for each in swept if each.tokens == start.max_num_batched_tokens)
    return Row(case, itl_ms, chosen, planned, default, swept)


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
        f"| {row.case.model}, {row.case.gpu} | {row.case.mix_name} | {row.itl_ms:g}, {row.case.ttft_ms:g}"
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
