"""Tell what each arm sustains under each promise, from the windows that were measured.

    python -m benchmarks.h100.ratios FOLDER PICTURE.svg

When a window holds and when it misses is said in `curve`: one that is not stationary shows neither, and the
ratio is told between the bounds that the windows give. The tuned arm has the limits at which `setpoint tune`
ended live. The picture has the ITL p95 of every window; a hollow point is one that was late or not
stationary.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from benchmarks.h100.brackets import DEFAULT, Limits, Rows, arm_of, by_arm, window_row
from benchmarks.h100.curve import Measured, highest_held, lowest_missed, ratio
from benchmarks.h100.live import FILE as LIVE
from benchmarks.h100.live import lines
from benchmarks.h100.windows import FILE, ended

_PROMISES_MS = (20.0, 25.0, 30.0, 50.0, 100.0)
_LOADS = ("chat", "long")
_MOST_ITL_MS = 120.0


def main() -> None:
    """Print both tables and write the picture."""
    folder = Path(sys.argv[1])
    rows = lines(folder / FILE)
    print("\n".join([*table(by_arm(rows), ended(lines(folder / LIVE))), "", *evidence(rows)]))
    _draw(by_arm(rows), rows[0], Path(sys.argv[2]))


def table(rows: Rows, tuned: Mapping[tuple[str, float], Limits]) -> list[str]:
    """Return what the default, the tuned limits and the best static sustain, as lines of Markdown."""
    found = [
        "| load | ITL p95 promise | the default held | and missed | the tuner ended at | held | and missed "
        "| times the default's | best static held | which | times the default's |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for load, promise in product(_LOADS, _PROMISES_MS):
        default = rows.get((load, DEFAULT), ())
        limits = tuned.get((load, promise))
        arm = rows.get((load, limits), ()) if limits else ()
        statics = {
            held.rate_per_second: (each, measured)
            for (name, each), measured in rows.items()
            if name == load and each != DEFAULT and (held := highest_held(measured, promise))
        }
        best = max(statics, default=0.0)
        which, static = statics.get(best, ("-", ()))
        rates = [
            each.told(promise) if each else "none"
            for each in (
                highest_held(default, promise),
                lowest_missed(default, promise),
                highest_held(arm, promise),
                lowest_missed(arm, promise),
                highest_held(static, promise),
            )
        ]
        found.append(
            f"| {load} | {promise:g} ms | {rates[0]} | {rates[1]} "
            f"| {limits or '-'} | {rates[2]} | {rates[3]} "
            f"| {_times(arm, default, promise, same=limits == DEFAULT)} "
            f"| {rates[4]} | {which} | {_times(static, default, promise)} |"
        )
    return found


def evidence(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return every window, those of equal rates together: they had the same requests. Lines of Markdown."""
    found = [
        "| load | requests/s | limits | answered | TTFT p95, ms | ITL p95, ms | good at 30 ms | at 50 ms "
        "| the load test objects |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    told = []
    for line in rows:
        row, (load, limits) = window_row(line), arm_of(line)
        good = " | ".join(f"{line['good'][promise]} of {row.offered}" for promise in ("30", "50"))
        answered = f"{row.completed} of {row.offered}"
        text = (
            f"| {load} | {row.rate_per_second:g} | {limits} | {answered} | {row.ttft_p95} | {row.itl_p95} "
            f"| {good} | {'; '.join(row.flaws)} |"
        )
        told.append(((load, row.rate_per_second, -limits.tokens, line["date"]), text))
    return found + [text for _, text in sorted(told)]


def _times(
    arm: Sequence[Measured], default: Sequence[Measured], promise_ms: float, *, same: bool = False
) -> str:
    if same:
        return "1, the same limits"
    best = highest_held(arm, promise_ms)
    return ratio(best, highest_held(default, promise_ms), lowest_missed(default, promise_ms))


def _draw(rows: Rows, first: Mapping[str, Any], path: Path) -> None:
    mpl.rcParams.update({"svg.hashsalt": "setpoint", "font.size": 9, "svg.fonttype": "none"})
    loads = sorted({load for load, _ in rows})
    figure, panels = pyplot.subplots(
        1, len(loads), figsize=(8, 4), sharey=True, squeeze=False, layout="constrained"
    )
    budgets = sorted({limits for _, limits in rows}, key=lambda limits: (limits.tokens, limits.sequences))
    for load, axes in zip(loads, panels[0], strict=True):
        for number, limits in enumerate(budgets):
            measured = rows.get((load, limits), ())
            if not measured:
                continue
            points = [(row.rate_per_second, min(row.itl_p95.value, _MOST_ITL_MS)) for row in measured]
            axes.plot(*zip(*points, strict=True), color=f"C{number}", linewidth=1, label=str(limits))
            for point, row in zip(points, measured, strict=True):
                sound = row.kept_up and not row.flaws
                face = f"C{number}" if sound else "none"
                axes.plot(*point, color=f"C{number}", marker="o", markerfacecolor=face)
        for promise in _PROMISES_MS:
            axes.axhline(promise, color="grey", linewidth=0.8, linestyle=":")
        axes.set(title=load, xlabel="requests/s", ylim=(0, _MOST_ITL_MS), xlim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend(title="sequences x tokens", loc="upper left")
    panels[0][0].set_ylabel("p95 between tokens, ms")
    figure.suptitle(f"{first['device']}, vLLM {first['vllm']}, {first['date'][:10]}, 8B")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
