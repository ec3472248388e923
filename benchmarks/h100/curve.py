"""Draw the sustainable rate against the ITL promise, from the rows of the chat load.

    python -m benchmarks.h100.curve ROWS.jsonl PICTURE.svg

A rate counts as sustained at a token budget when the row at that rate completed 98 % of what arrived and kept
TTFT p95 within a second; it keeps an ITL promise when its ITL p95 is within it. Nothing between two measured
rates is made up: the curve is the highest rate that was measured and held, a lower bound of the truth.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

_LEAST_COMPLETED = 0.98
_MOST_TTFT_P95_SECONDS = 1.0
PROMISES_MS = range(20, 101)
DEFAULT_TOKENS = 8192


@dataclass(frozen=True)
class Held:
    """A rate that was sustained, and the ITL p95 that came with it."""

    tokens: int
    rate_per_second: float
    itl_p95_ms: float


def held(rows: Iterable[dict[str, Any]]) -> list[Held]:
    """Return the sustained rates of the chat rows of the default start, whose limits were moved live."""
    found = []
    for row in rows:
        if not row["cell"].startswith("chat-") or row["start"] != "default":
            continue
        stage = row["report"]["stages"][0]
        completed = stage["requests_completed"] / stage["requests_offered"]
        if completed >= _LEAST_COMPLETED and stage["ttft"]["p95"]["value"] <= _MOST_TTFT_P95_SECONDS:
            tokens = row["limits"]["max_num_batched_tokens"]
            itl_p95_ms = stage["itl"]["p95"]["value"] * 1000
            found.append(Held(tokens, stage["load"]["rate_per_second"], itl_p95_ms))
    return found


def sustained_rate(rates: Iterable[Held], promise_ms: float) -> float:
    """Return the highest rate that kept the promise; 0 when none did."""
    return max((each.rate_per_second for each in rates if each.itl_p95_ms <= promise_ms), default=0.0)


def main() -> None:
    """Print the table and write the picture."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    rates = held(rows)
    default = [each for each in rates if each.tokens == DEFAULT_TOKENS]
    budgets = sorted({each.tokens for each in rates})
    print("| ITL p95 promise | default (8192) | best static | which | ratio |\n|---|---|---|---|---|")
    for promise in (20, 21, 25, 30, 35, 40, 45, 50, 60, 75, 90, 100):
        best = max(budgets, key=lambda tokens: sustained_rate(_of(rates, tokens), promise))
        most, plain = sustained_rate(rates, promise), sustained_rate(default, promise)
        ratio = f"{most / plain:.2f}" if plain else "-"
        print(f"| {promise} ms | {plain:g} | {most:g} | {best if most else '-'} | {ratio} |")
    _draw(rates, budgets, Path(sys.argv[2]), rows[0])


def _of(rates: list[Held], tokens: int) -> list[Held]:
    return [each for each in rates if each.tokens == tokens]


def _draw(rates: list[Held], budgets: list[int], path: Path, row: dict[str, Any]) -> None:
    mpl.rcParams.update({"svg.hashsalt": "setpoint", "font.size": 9, "svg.fonttype": "none"})
    figure, axes = pyplot.subplots(figsize=(7.5, 4.2), layout="constrained")
    for tokens in budgets:
        reached = [sustained_rate(_of(rates, tokens), promise) or float("nan") for promise in PROMISES_MS]
        name = f"{tokens} (the default)" if tokens == DEFAULT_TOKENS else str(tokens)
        width = 2.4 if tokens == DEFAULT_TOKENS else 1.6
        axes.step(list(PROMISES_MS), reached, where="post", linewidth=width, label=name)
    axes.set(xlabel="promise: ITL p95 within so many ms (TTFT p95 within 1 s)", ylim=(0, 55), xlim=(20, 100))
    axes.set_ylabel("highest rate measured to hold, requests/s")
    axes.set_title(f"{row['device']}, vLLM {row['vllm']}, 8B, 512 tokens in, 128 out, {row['date'][:10]}")
    axes.grid(alpha=0.3)
    axes.legend(title="max_num_batched_tokens", loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
