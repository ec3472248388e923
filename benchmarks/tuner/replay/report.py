"""What the arms came to: one object of JSON, or a table in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.tuner.replay.trial import Outcome
from benchmarks.tuner.replay.visit import Visit


@dataclass(frozen=True, slots=True)
class Summary:
    """One arm over all seeds."""

    share_median: float
    share_min: float
    evaluations_median: float
    infeasible_visits_median: float


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """Return medians over the outcomes of at least one seed, and the least share."""
    shares = [each.share for each in outcomes]
    return Summary(
        share_median=median(shares),
        share_min=min(shares),
        evaluations_median=median(each.evaluations for each in outcomes),
        infeasible_visits_median=median(each.infeasible_visits for each in outcomes),
    )


def content(best: Visit | None, arms: Mapping[str, Summary]) -> dict[str, Any]:
    """Return what --json prints; `best` is None where no cell keeps the promise."""
    found = best and {"seqs": best.cell.seqs, "toks": best.cell.toks, "value": best.tok_s}
    return {"best": found, "arms": {name: asdict(each) for name, each in arms.items()}}


def markdown(best: Visit | None, arms: Mapping[str, Summary]) -> str:
    """Return the best cell and a line for each arm."""
    lines = [
        _told(best),
        "",
        "| arm | share, median | share, least | visits | of cells that miss the promise |",
        "|---|---|---|---|---|",
    ]
    for name, each in arms.items():
        figures = (
            f"{100 * each.share_median:.1f} %",
            f"{100 * each.share_min:.1f} %",
            f"{each.evaluations_median:g}",
            f"{each.infeasible_visits_median:g}",
        )
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _told(best: Visit | None) -> str:
    if best is None:
        return "No cell keeps the promise: 100 % is to end at the start, 0 % to end elsewhere."
    return (
        f"Best: {best.cell.seqs} sequences, {best.cell.toks} tokens: {best.tok_s:.0f} tok/s, TTFT p95 "
        f"{1000 * best.ttft_p95_seconds:.0f} ms, ITL p95 {1000 * best.itl_p95_seconds:.1f} ms."
    )
