"""One arm on one case with one seed: a run, and what its clients saw of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from benchmarks.tuner.arms import Arm
from benchmarks.tuner.cases import LOADS, Case, Load, Promise
from benchmarks.tuner.sustainable import Held, Limited, held, sustainable_per_second
from benchmarks.virtual.engine import start_of
from benchmarks.virtual.run import Run, Wanted, run
from benchmarks.virtual.services import service
from benchmarks.virtual.verdicts import is_good
from setpoint.simulator.record import Answer
from setpoint_vllm.limits_file import Limit

WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Row:
    """How one arm came out."""

    load: str
    promise: str
    arm: str
    seed: int
    seconds: float
    offered: int
    bad: int
    """Late by any objective, shed, or never answered."""
    shed: int
    good_tokens: int
    """Output tokens of good requests."""
    ttft_p95: float | None
    """Of the second half; so is the next."""
    itl_p95: float | None
    windows: int
    """Of a minute."""
    windows_kept: int
    """In which both p95s were within the promise."""
    changes: int
    settled_windows: int
    """Until sequences and tokens moved for the last time, from when the load last changed."""
    bad_before_settled: int
    """Of the requests that were sent until then, from the beginning on."""
    recovered_windows: tuple[int | None, ...]
    """After each change of the load, until the promise held in a window; None where it did in none."""
    start_sequences: int
    start_tokens: int
    sequences: int
    """At the end; so is the next."""
    tokens: int
    sustainable_per_second: float
    """Of one replica with these limits in this start, by the requests of the load's end."""


def rows(load_name: str, promises: Sequence[Promise], arm: Arm, seed: int) -> Iterator[Row]:
    """Yield a row for each promise: of one run where the arm does the same under all of them."""
    load = LOADS[load_name]
    ran: Run | None = None
    for promise in promises:
        if ran is None or arm.sees_promise:
            ran = play(load, promise, arm, seed)
            windows = [_held(ran, at, WINDOW_SECONDS) for at in _windows(load)]
        judged = replace(ran, objectives=promise.objectives)
        yield _row(Case(load_name, promise), arm, judged, windows, seed)


def play(load: Load, promise: Promise, arm: Arm, seed: int) -> Run:
    """Run the arm."""
    sequences, tokens = arm.start(load, promise, seed)
    engines = service(
        sequences=sequences, tokens=tokens, replicas=len(load.ready_seconds), hardware=load.hardware
    )
    steering = arm.steering(promise.objectives, start_of(engines), seed)
    return run(engines, load.phases, None, steering, seed, ready_seconds=load.ready_seconds)


def _row(case: Case, arm: Arm, ran: Run, windows: Sequence[Held], seed: int) -> Row:
    load = LOADS[case.load]
    kept = [each.keeps(case.promise) for each in windows]
    half = _held(ran, load.duration_seconds / 2, load.duration_seconds / 2)
    good = [each for each in ran.record.answers if is_good(each, ran.objectives)]
    settled = settled_seconds(ran.wanted)
    start, end = ran.wanted[0][1], ran.wanted[-1][1]
    limited = Limited(
        load.hardware, start[Limit.SEQS], start[Limit.TOKENS], end[Limit.SEQS], end[Limit.TOKENS]
    )
    sent_before = sum(seconds < settled for seconds in ran.offered)
    return Row(
        load=case.load,
        promise=case.promise.name,
        arm=arm.name,
        seed=seed,
        seconds=load.duration_seconds,
        offered=len(ran.offered),
        bad=len(ran.offered) - len(good),
        shed=len(ran.record.shed),
        good_tokens=sum(map(output_tokens, good)),
        ttft_p95=half.ttft_p95,
        itl_p95=half.itl_p95,
        windows=len(kept),
        windows_kept=sum(kept),
        changes=len(ran.wanted) - 1,
        settled_windows=math.ceil(max(settled - load.changes_seconds[-1], 0.0) / WINDOW_SECONDS),
        bad_before_settled=sent_before - sum(each.sent_seconds < settled for each in good),
        recovered_windows=recovered_windows(kept, load.changes_seconds),
        start_sequences=limited.start_sequences,
        start_tokens=limited.start_tokens,
        sequences=limited.sequences,
        tokens=limited.tokens,
        sustainable_per_second=sustainable_per_second(limited, load.last_streams, case.promise, seed),
    )


def output_tokens(answer: Answer) -> int:
    """Return how many tokens it had, by the mean of the gaps between them and what they take together."""
    if not answer.mean_itl_seconds:
        return 1
    return 1 + round((answer.e2e_seconds - answer.ttft_seconds) / answer.mean_itl_seconds)


def settled_seconds(wanted: Sequence[tuple[float, Wanted]]) -> float:
    """Return when sequences and tokens moved for the last time; a bound of the queue does not count."""
    settled, (_, last) = 0.0, wanted[0]
    for seconds, limits in wanted[1:]:
        if any(limits[each] != last[each] for each in (Limit.SEQS, Limit.TOKENS)):
            settled = seconds
        last = limits
    return settled


def recovered_windows(kept: Sequence[bool], changes_seconds: Sequence[float]) -> tuple[int | None, ...]:
    """Return how many windows passed after each change of the load before one that kept the promise.

    0: the window after the change kept it already. The load's beginning is no change.
    """
    starts = [int(seconds // WINDOW_SECONDS) for seconds in changes_seconds[1:]]
    return tuple(
        next((number for number, is_kept in enumerate(kept[start:end]) if is_kept), None)
        for start, end in pairwise([*starts, len(kept)])
    )


def _windows(load: Load) -> list[float]:
    return [WINDOW_SECONDS * number for number in range(int(load.duration_seconds // WINDOW_SECONDS))]


def _held(ran: Run, start: float, seconds: float) -> Held:
    return held(ran.record.figures(start, start + seconds))
