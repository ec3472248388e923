"""Draw the sustainable rate against the ITL promise, from the rows of the chat load.

    python -m benchmarks.h100.curve ROWS.jsonl PICTURE.svg

A rate holds at a token budget under an ITL promise when the row at that rate completed 98 % of what arrived,
kept TTFT p95 within a second and ITL p95 within the promise; otherwise it misses. A row that the load test
itself found invalid or not stationary tells of its window only: it shows neither. Nothing between two rates
is made up: a budget sustains at least the highest rate that was measured to hold, and less than the lowest
one above it that was measured to miss.
"""

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from benchmarks.h100.plan import DEFAULT_SEQUENCES, DEFAULT_TOKENS

_LEAST_COMPLETED = 0.98
_MOST_TTFT_P95_MS = 1000.0
_TABLED_MS = (20, 21, 25, 30, 35, 40, 45, 50, 60, 75, 90, 100)
PROMISES_MS = range(20, 101)
DEFAULT_START = "default"


@dataclass(frozen=True)
class Latency:
    """A percentile in milliseconds and the ends of its 95 % confidence interval, infinite where unknown."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        high = "or more" if math.isinf(self.high) else f"to {self.high:.1f}"
        return f"{self.value:.1f} ({self.low:.1f} {high})"


@dataclass(frozen=True)
class Measured:
    """A row of the chat load: what was asked, what came of it, and what the load test had against it."""

    tokens: int
    rate_per_second: float
    window_seconds: float
    offered: int
    completed: int
    ttft_p95: Latency
    itl_p95: Latency
    flaws: tuple[str, ...] = ()
    sequences: int = DEFAULT_SEQUENCES
    tokens_per_second: float = 0.0
    start: str = DEFAULT_START
    is_moved: bool = False
    """Whether the limits are others than the server was started with."""

    @property
    def load(self) -> tuple[int, int, float, float]:
        """The limits, the rate and the window."""
        return self.sequences, self.tokens, self.rate_per_second, self.window_seconds

    @property
    def kept_up(self) -> bool:
        """Whether answers and first tokens came in time, whatever the gaps between tokens were."""
        completed = self.completed / self.offered
        return completed >= _LEAST_COMPLETED and self.ttft_p95.value <= _MOST_TTFT_P95_MS

    def holds(self, promise_ms: float) -> bool:
        """Return whether the row shows that its rate keeps the promise."""
        return not self.flaws and self.kept_up and self.itl_p95.value <= promise_ms

    def misses(self, promise_ms: float) -> bool:
        """Return whether the row shows that its rate breaks the promise."""
        return not self.flaws and not self.holds(promise_ms)

    def told(self, promise_ms: float) -> str:
        """Return the rate, with an asterisk where a confidence interval leaves the verdict open."""
        if self.holds(promise_ms):
            sure = self.ttft_p95.high <= _MOST_TTFT_P95_MS and self.itl_p95.high <= promise_ms
        else:
            late = self.ttft_p95.low > _MOST_TTFT_P95_MS or self.itl_p95.low > promise_ms
            sure = late or self.completed / self.offered < _LEAST_COMPLETED
        return f"{self.rate_per_second:g}{'' if sure else '*'}"


def measured(rows: Iterable[dict[str, Any]]) -> list[Measured]:
    """Return the chat rows of the default start, whose limits were moved live, by budget and rate."""
    return [row for row in chats(rows) if row.start == DEFAULT_START]


def chats(rows: Iterable[dict[str, Any]]) -> list[Measured]:
    """Return the chat rows of every start, by budget, rate and cap of sequences."""
    found = [measured_row(row) for row in rows if row["cell"].startswith("chat-")]
    return sorted(found, key=lambda row: (row.tokens, row.rate_per_second, row.sequences))


def highest_held(rows: Iterable[Measured], promise_ms: float) -> Measured | None:
    """Return the row of the highest rate that kept the promise; of equal ones that of the smallest budget."""
    held = (row for row in rows if row.holds(promise_ms))
    return max(held, key=lambda row: (row.rate_per_second, -row.tokens), default=None)


def lowest_missed(rows: Sequence[Measured], promise_ms: float) -> Measured | None:
    """Return the row of the lowest rate, above the highest that held, that broke the promise."""
    held = highest_held(rows, promise_ms)
    above = held.rate_per_second if held else 0.0
    missed = (row for row in rows if row.misses(promise_ms) and row.rate_per_second > above)
    return min(missed, key=lambda row: row.rate_per_second, default=None)


def ratio(best: Measured | None, held: Measured | None, missed: Measured | None) -> str:
    """Return how many times the default's rate the best rate is, between the bounds that the rows give."""
    if best is None or (held is None and missed is None):
        return "not bounded"
    least = f"{best.rate_per_second / missed.rate_per_second:.2f}" if missed else ""
    most = f"{best.rate_per_second / held.rate_per_second:.2f}" if held else ""
    if least and most:
        return f"{least} to {most}"
    return f"more than {least}" if least else f"at most {most}"


def table(rows: Sequence[Measured], promises_ms: Iterable[int] = _TABLED_MS) -> list[str]:
    """Return what the default and the best budget sustain under each promise, as lines of Markdown."""
    default = _of(rows, DEFAULT_TOKENS)
    lines = [
        "| ITL p95 promise | the default (8192) held | and missed | best static held | which | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for promise in promises_ms:
        best, held = highest_held(rows, promise), highest_held(default, promise)
        missed = lowest_missed(default, promise)
        rates = [each.told(promise) if each else "none" for each in (held, missed, best)]
        which = str(best.tokens) if best else "-"
        lines.append(f"| {promise} ms | {' | '.join(rates)} | {which} | {ratio(best, held, missed)} |")
    return lines


def evidence(rows: Iterable[Measured]) -> list[str]:
    """Return each row, with what the load test had against it, as lines of Markdown."""
    lines = [
        "| sequences | tokens | requests/s | window | completed | TTFT p95, ms | ITL p95, ms "
        "| the load test objects |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.sequences} | {row.tokens} | {row.rate_per_second:g} | {row.window_seconds:g} s "
        f"| {row.completed} of {row.offered} | {row.ttft_p95} | {row.itl_p95} | {'; '.join(row.flaws)} |"
        for row in rows
    ]
    return lines


def own_starts(rows: Sequence[Measured]) -> list[str]:
    """Return each row under the limits of its own start beside those moved live to the same, as Markdown.

    Rows that stand together have the limits, the rate and the window in common; the requests come from one
    seed. The default start is nobody's own: a row under its limits has nothing to stand beside.
    """
    lines = [
        "| sequences | tokens | requests/s | start | limits | tok/s | TTFT p95, ms | ITL p95, ms "
        "| the load test objects |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for own in (row for row in rows if row.start != DEFAULT_START and not row.is_moved):
        live = [row for row in rows if row.is_moved and row.load == own.load]
        lines += [
            f"| {row.sequences} | {row.tokens} | {row.rate_per_second:g} | {row.start} "
            f"| {'moved live' if row.is_moved else 'of the start'} "
            f"| {row.tokens_per_second:.0f} | {row.ttft_p95} | {row.itl_p95} | {'; '.join(row.flaws)} |"
            for row in (own, *live)
        ]
    return lines


def main() -> None:
    """Print the tables and write the picture."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    chat = measured(rows)
    print("\n".join([*table(chat), "", *evidence(chat), "", *own_starts(chats(rows))]))
    _draw(chat, Path(sys.argv[2]), rows)


def measured_row(row: dict[str, Any]) -> Measured:
    """Return a line of the rows' file as what it says of a rate."""
    stage = row["report"]["stages"][0]
    flaws = [f"invalid: {reason}" for reason in stage["invalid"]]
    if not stage["stationary"]:
        flaws.append(f"not stationary: {', '.join(stage['unsteady']) or 'no reason given'}")
    return Measured(
        row["limits"]["max_num_batched_tokens"],
        stage["load"]["rate_per_second"],
        stage["window_seconds"],
        stage["requests_offered"],
        stage["requests_completed"],
        _latency(stage["ttft"]["p95"]),
        _latency(stage["itl"]["p95"]),
        tuple(flaws),
        row["limits"]["max_num_seqs"],
        stage["output_tokens_per_second"]["value"],
        row["start"],
        row["limits"] != _limits_of_start(row["flags"]),
    )


def _limits_of_start(flags: Sequence[str]) -> dict[str, int]:
    given = dict(zip(flags[::2], flags[1::2], strict=True))
    return {
        "max_num_seqs": int(given.get("--max-num-seqs", DEFAULT_SEQUENCES)),
        "max_num_batched_tokens": int(given.get("--max-num-batched-tokens", DEFAULT_TOKENS)),
    }


def _latency(seconds: dict[str, float | None]) -> Latency:
    value, low, high = (
        math.inf if each is None else each * 1000
        for each in (seconds[name] for name in ("value", "low", "high"))
    )
    return Latency(value, low, high)


def _of(rows: Iterable[Measured], tokens: int) -> list[Measured]:
    return [row for row in rows if row.tokens == tokens]


def _draw(rows: Sequence[Measured], path: Path, lines: Sequence[dict[str, Any]]) -> None:
    mpl.rcParams.update({"svg.hashsalt": "setpoint", "font.size": 9, "svg.fonttype": "none"})
    figure, axes = pyplot.subplots(figsize=(7.5, 4.2), layout="constrained")
    for number, tokens in enumerate(sorted({row.tokens for row in rows})):
        budget, colour = _of(rows, tokens), f"C{number}"
        default = tokens == DEFAULT_TOKENS
        name = f"{tokens} (the default)" if default else str(tokens)
        held = [highest_held(budget, promise) for promise in PROMISES_MS]
        if any(held):
            _steps(axes, held, color=colour, linewidth=2.4 if default else 1.6, label=f"{name}: held")
        if default:
            missed = [lowest_missed(budget, promise) for promise in PROMISES_MS]
            _steps(axes, missed, color=colour, linewidth=1, linestyle=":", label=f"{name}: missed")
        # Only the drift keeps these from a line; a row that was late as well is no candidate for one.
        doubtful = [(row.itl_p95.value, row.rate_per_second) for row in budget if row.flaws and row.kept_up]
        if doubtful:
            axes.plot(*zip(*doubtful, strict=True), color=colour, linestyle="", marker="o",
                      markerfacecolor="none", label=f"{name}: not stationary")  # fmt: skip
    axes.set(xlabel="promise: ITL p95 within so many ms (TTFT p95 within 1 s)", ylim=(0, 55), xlim=(20, 100))
    axes.set_ylabel("rate measured, requests/s")
    first, dates = lines[0], sorted({line["date"][:10] for line in lines})
    axes.set_title(
        f"{first['device']}, vLLM {first['vllm']}, {' and '.join(dates)}\n8B, 512 tokens in, 128 out"
    )
    axes.grid(alpha=0.3)
    axes.legend(title="max_num_batched_tokens", loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _steps(axes: Any, rows: Iterable[Measured | None], **style: Any) -> None:
    rates = [row.rate_per_second if row else float("nan") for row in rows]
    axes.step(list(PROMISES_MS), rates, where="post", **style)


if __name__ == "__main__":
    main()
