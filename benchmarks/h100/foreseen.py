"""Tell what the tuner foresaw on the GPU, and how long the engine's steps took, from its logs.

    python -m benchmarks.h100.foreseen FOLDER

FOLDER is one of `benchmarks.h100.live`; its tune-NAME.jsonl may be packed by gzip. A plan is told when it is
made: what it is made of is the tuner's estimate at that moment, and no measurement.
"""

import gzip
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from benchmarks.h100.live import FILE, lines
from benchmarks.h100.live_told import last_of_each
from setpoint.signals.reading import Counters, Reading
from setpoint.tuner.record import Record, parse_record
from setpoint.tuner.stepcost import StepCost
from setpoint_vllm.limits_file import Limit

_BUDGETS = (256, 512, 1024, 1536, 2048, 4096, 8192)
"""Of those that a plan looks at, the ones that are told."""


@dataclass(frozen=True)
class Stage:
    """What was counted in a part of a run while one token budget was in force."""

    part: str
    tokens: int
    counted: Counters
    """From the first look to the last one."""


def main() -> None:
    """Print both tables."""
    folder = Path(sys.argv[1])
    parts = last_of_each(lines(folder / FILE))
    runs = {name: list(each) for name, each in groupby(parts, key=lambda part: str(part["run"]))}
    logs = {name: _log(folder / f"tune-{name}.jsonl") for name in runs}
    told = [row for name, log in logs.items() for row in plans(name, log)]
    print("\n".join([*_plans_head(), *told, "", *_steps_head()]))
    for name, log in logs.items():
        print("\n".join(row for each in stages(runs[name], log) for row in steps(name, each)))


def plans(name: str, log: Sequence[Record]) -> Iterator[str]:
    """Yield each plan of a run when it was made: what it is made of, and the rate for each budget."""
    began, before = log[0].observation.now_seconds, None
    for record in log:
        planned = record.after.planned
        if planned.plan is None or planned.plan == before or planned.made_for is None:
            continue
        before, of = planned.plan, planned.made_for
        cost = StepCost.of(of.cost.mean)
        change = record.decision.change if record.decision.is_applied else None
        rates = " | ".join(f"{before.rate_per_second(tokens):.1f}" for tokens in _BUDGETS)
        yield (
            f"| {name} | {record.observation.now_seconds - began:.0f} s | {of.prompt_tokens:.0f} "
            f"| {1e3 * cost.fixed_seconds:.1f} | {1e6 * cost.token_seconds:.1f} "
            f"| {1e3 * cost.launch_seconds:.1f} | {rates} | {change.policy if change else '-'} |"
        )


def stages(parts: Iterable[dict[str, Any]], log: Iterable[Record]) -> Iterator[Stage]:
    """Yield what was counted between the first and the last look of each part under each budget, in order."""
    looks = [
        (part["part"], engine.ranks["0"].in_force[Limit.TOKENS], engine)
        for part in parts
        for engine in _engines(log)
        if part["begin"] <= engine.at_seconds - part["began"] < part["end"]
    ]
    for (part, tokens), same in groupby(looks, key=lambda look: look[:2]):
        seen = [engine.counters for *_, engine in same]
        yield Stage(part, tokens, seen[-1] - seen[0])


def steps(name: str, stage: Stage) -> Iterator[str]:
    """Yield how long the steps of each size took, as lines of Markdown."""
    by_size, requests = stage.counted.steps_by_size, stage.counted.late + stage.counted.good
    for least, most in pairwise([0.0, *sorted(by_size)]):
        size = by_size[most]
        if size.count > 0:
            yield (
                f"| {name} | {stage.part} | {stage.tokens} | {least + 1:.0f} to {most:.0f} "
                f"| {size.count:.0f} | {size.tokens / size.count:.0f} "
                f"| {1e3 * size.seconds / size.count:.1f} | {stage.counted.late:.0f} of {requests:.0f} |"
            )


def _engines(log: Iterable[Record]) -> Iterator[Reading]:
    for record in log:
        yield from record.observation.readings.values()


def _log(path: Path) -> list[Record]:
    packed = path.with_name(f"{path.name}.gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open() as file:
        return [parse_record(line) for line in file]


def _plans_head() -> list[str]:
    budgets = " | ".join(f"{tokens} tokens" for tokens in _BUDGETS)
    return [
        f"| run | after | prompt tokens | ms a step | us a token | ms of launches | {budgets} | acted as |",
        "|---" * (7 + len(_BUDGETS)) + "|",
    ]


def _steps_head() -> list[str]:
    return [
        "| run | load | budget | tokens of a step | steps | mean tokens | mean ms | requests bad |",
        "|---|---|---|---|---|---|---|---|",
    ]


if __name__ == "__main__":
    main()
