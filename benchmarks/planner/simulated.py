"""What limits sustain in the simulator: the planner's, and each budget in a start of its own."""

from dataclasses import dataclass
from statistics import median

from benchmarks.planner.cases import Case
from benchmarks.tuner.sustainable import Limited, sustainable_per_second
from setpoint.planner.captured import started_sequences
from setpoint.planner.plan import BUDGETS, Plan


@dataclass(frozen=True)
class Sustained:
    """The rate that limits sustain, the median over seeds."""

    tokens: int
    sequences: int
    rate_per_second: float


def planned(case: Case, itl_ms: float, plan: Plan, seeds: int) -> Sustained:
    """Return what the planner's limits sustain, started by the flags that it prints."""
    started = started_sequences(plan.tokens, plan.sequences, case.serving.start.max_num_seqs)
    limited = Limited(case.hardware, started, plan.tokens, plan.sequences, plan.tokens)
    return _sustained(case, itl_ms, limited, seeds)


def swept(case: Case, itl_ms: float, seeds: int) -> list[Sustained]:
    """Return what each budget up to the start's sustains, under the start's cap of sequences."""
    start = case.serving.start
    found = []
    for tokens in (each for each in BUDGETS if each <= start.max_num_batched_tokens):
        sequences = min(start.max_num_seqs, tokens)
        limited = Limited(case.hardware, sequences, tokens, sequences, tokens)
        found.append(_sustained(case, itl_ms, limited, seeds))
    return found


def _sustained(case: Case, itl_ms: float, limited: Limited, seeds: int) -> Sustained:
    rates = [
        sustainable_per_second(limited, case.streams, case.promise(itl_ms), seed) for seed in range(seeds)
    ]
    return Sustained(limited.tokens, limited.sequences, median(rates))
