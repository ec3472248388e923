"""The planner's choice against the rows of one H100: its rates, its best static, its throughput when full."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.h100.curve import Measured, highest_held, measured
from benchmarks.planner.cases import CHAT_ON_H100
from setpoint.planner.budget import Budget
from setpoint.planner.plan import plan
from setpoint.planner.sequences import most_held

_HERE = Path(__file__).parents[1]
_ROWS = _HERE / "h100" / "results" / "rows.jsonl"
_CLOSED_LOOP = _HERE / "data" / "h100-llama8b-in512-out128-c256.json"
PROMISES_MS = (20, 21, 25, 30, 35, 40, 45, 50, 60, 75, 90, 100)
_TTFT_SECONDS = 1.0


def rows() -> list[Measured]:
    """Return the measured rows of the chat load."""
    return measured(json.loads(line) for line in _ROWS.read_text().splitlines())


def choices(found: Sequence[Measured]) -> Iterable[str]:
    """Yield, for each promise between tokens, what is chosen and what the best that was measured is."""
    yield (
        "| ITL p95 promise | planned tokens, sequences | predicted rate | measured at these tokens"
        " | best measured, at |"
    )
    yield "|---|---|---|---|---|"
    for promise_ms in PROMISES_MS:
        chosen = plan(CHAT_ON_H100.serving, CHAT_ON_H100.promised(promise_ms), CHAT_ON_H100.mix)
        here = [row for row in found if row.tokens == chosen.tokens]
        held, best = highest_held(here, promise_ms), highest_held(found, promise_ms)
        told = held.told(promise_ms) if held else "none held" if here else "not measured"
        at = f"{best.told(promise_ms)}, {best.tokens}" if best else "none held"
        yield (
            f"| {promise_ms} ms | {chosen.tokens}, {chosen.sequences} | {chosen.rate_per_second:.1f}"
            f" | {told} | {at} |"
        )


def rates(found: Sequence[Measured]) -> Iterable[str]:
    """Yield, for each budget that was measured, the predicted rate beside the rates that held and did not."""
    case = CHAT_ON_H100
    yield "| tokens | predicted rate | predicted capacity | held | did not keep up |"
    yield "|---|---|---|---|---|"
    for tokens in sorted({row.tokens for row in found}):
        budget = Budget(case.serving, case.mix, tokens, most_held(case.serving, case.mix))
        here = [row for row in found if row.tokens == tokens]
        held = max((row.rate_per_second for row in here if row.kept_up and not row.flaws), default=0.0)
        late = (row.rate_per_second for row in here if not row.kept_up and row.rate_per_second > held)
        lowest = min(late, default=None)
        predicted = budget.sustainable_rate_per_second(_TTFT_SECONDS, 95)
        yield (
            f"| {tokens} | {predicted:.1f} | {budget.capacity_per_second:.1f}"
            f" | {f'{held:g}' if held else 'none'} | {'none' if lowest is None else f'{lowest:g}'} |"
        )


@dataclass(frozen=True)
class Full:
    """A cell of the closed loop, in which an engine is full: output tokens a second."""

    sequences: int
    tokens: int
    measured_per_second: float
    predicted_per_second: float

    @property
    def error(self) -> float:
        return abs(self.predicted_per_second / self.measured_per_second - 1)


def full_cells() -> list[Full]:
    """Return the capacity that is predicted for each cell of the closed loop beside its throughput."""
    table = json.loads(_CLOSED_LOOP.read_text())
    serving, mix = CHAT_ON_H100.serving, CHAT_ON_H100.mix
    found = []
    for row in table["rows"]:
        # No more run than there are clients.
        budget = Budget(serving, mix, row["toks"], min(row["seqs"], table["conc"]))
        predicted = budget.capacity_per_second * mix.output_tokens
        found.append(Full(row["seqs"], row["toks"], row["tok_s"], predicted))
    return found


def throughput(cells: Sequence[Full]) -> Iterable[str]:
    """Yield the errors of the predicted throughput, by budget."""
    yield "| tokens | cells | median error | largest |"
    yield "|---|---|---|---|"
    for tokens in sorted({each.tokens for each in cells}):
        errors = [each.error for each in cells if each.tokens == tokens]
        yield f"| {tokens} | {len(errors)} | {median(errors):.1%} | {max(errors):.1%} |"
    every = [each.error for each in cells]
    yield f"| all | {len(every)} | {median(every):.1%} | {max(every):.1%} |"
