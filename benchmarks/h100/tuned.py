"""Tell what `benchmarks.h100.tune` saw, as Markdown: each limit that was in force, and the latencies then.

    python -m benchmarks.h100.tuned FOLDER

The latencies are the client's p95 in each five seconds that lie within the time in which /metrics showed the
limits, in order. Five seconds in which a limit moved are left out.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.h100.tune import BIN_SECONDS

SAMPLE_SECONDS = 1.0
"""Between two samples of the gauges: for so long after the last one limits may still have been in force."""


@dataclass(frozen=True)
class Phase:
    """A while in which limits were in force, in seconds since the part's load began."""

    begin: float
    end: float
    sequences: int
    tokens: int


def main() -> None:
    """Print both tables: by request, and by time."""
    folder = Path(sys.argv[1])
    parts, samples = (_lines(folder / name) for name in ("rows.jsonl", "limits.jsonl"))
    print("\n".join([*goodput(parts), "", *latencies(parts, samples)]))


def phases(samples: Iterable[dict[str, Any]], began: float, seconds: float) -> list[Phase]:
    """Return the phases of a part that began at a Unix time and lasted so long.

    A phase begins when the gauges were first seen to show its limits, which is a second late at most. Samples
    that failed are left out.
    """
    found: list[Phase] = []
    for sample in samples:
        at = sample["at"] - began
        if "in_force" not in sample or not 0 <= at < seconds:
            continue
        (limits, *_) = sample["in_force"].values()
        shown = limits["seqs"], limits["tokens"]
        before = found[-1] if found else None
        if before and (before.sequences, before.tokens) == shown:
            found[-1] = Phase(before.begin, at, *shown)
        else:
            found.append(Phase(at if found else 0.0, at, *shown))
    return found


def latencies(parts: Iterable[dict[str, Any]], samples: Sequence[dict[str, Any]]) -> list[str]:
    """Return each phase of each part with the latencies in it, as lines of Markdown."""
    lines = [
        "| part | seconds of it | sequences | tokens | ITL p95 of each 5 s, ms | TTFT p95 of each 5 s, ms |",
        "|---|---|---|---|---|---|",
    ]
    for part in parts:
        bins = part["bins"]
        for phase in phases(samples, part["began"], len(bins) * BIN_SECONDS):
            inside = [
                each for each in bins
                if phase.begin <= each["begin"]
                and each["begin"] + BIN_SECONDS <= phase.end + SAMPLE_SECONDS
            ]  # fmt: skip
            lines.append(
                f"| {part['part']} | {phase.begin:.0f} to {phase.end:.0f} | {phase.sequences} "
                f"| {phase.tokens} | {values(inside, 'itl_p95')} | {values(inside, 'ttft_p95')} |"
            )
    return lines


def goodput(parts: Iterable[dict[str, Any]]) -> list[str]:
    """Return what each part came to by request, and by its percentiles, as lines of Markdown."""
    lines = [
        "| part | window | ITL p95, ms | TTFT p95, ms | requests good | of |",
        "|---|---|---|---|---|---|",
    ]
    for part in parts:
        for stage in (part["stage"], part["last"]):
            begin, seconds = stage["warmup_seconds"], stage["window_seconds"]
            lines.append(
                f"| {part['part']} | {begin:.0f} to {begin + seconds:.0f} s | {p95(stage, 'itl')} "
                f"| {p95(stage, 'ttft')} | {stage['good']} | {stage['requests_offered']} |"
            )
    return list(dict.fromkeys(lines))


def p95(stage: dict[str, Any], name: str) -> str:
    """Return a latency's p95 in milliseconds with its interval; "-" where nothing came."""
    if not stage[name]:
        return "-"
    value, low, high = (stage[name]["p95"][each] for each in ("value", "low", "high"))
    until = "or more" if high is None else f"to {1000 * high:.1f}"
    return f"{1000 * value:.1f} ({1000 * low:.1f} {until})"


def values(bins: Sequence[dict[str, Any]], name: str) -> str:
    """Return one latency of each bin in milliseconds."""
    told = ["-" if each[name] is None else f"{1000 * each[name]:.0f}" for each in bins]
    return ", ".join(told) or "none"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


if __name__ == "__main__":
    main()
