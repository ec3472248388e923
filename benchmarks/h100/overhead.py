"""What the plugin costs a saturated server: the same server with its work in and out, in turns.

    python -m benchmarks.h100.overhead SECONDS ROWS.jsonl

256 clients ask for chats under 512 tokens a step and under the default, for half of the seconds each. Every
ten seconds `overhead_switch` takes the plugin's work out or puts it back. From four seconds after a switch,
by when two thirds of the requests under way are new, and nine tenths on the whole, the tokens are counted at
the client, and each gap between them exactly. Neighbours make a pair, in turns off first and on first.

How many tokens come depends on how many prompts happen to be taken in between, which differs by some per cent
from half to half. So they are compared at equal prompts as well: less what the line through all halves of a
setting gives for a half's prompt tokens.

A row is one line of JSON for each setting: every half, and the mean of the pairs' differences in per cent
with its 95 % interval by Student's distribution. The last row is of all pairs.
"""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from statistics import fmean, linear_regression, stdev
from typing import IO, Any

from benchmarks.h100 import exposition, limits, machine, server
from benchmarks.h100.loads import CHAT, Loads, between, gaps, loads, quantile
from setpoint.loadgen.measure import Held
from setpoint.loadgen.plan import ClosedPlan
from setpoint.loadgen.report import ClosedLoop
from setpoint.loadgen.student import two_sided

CLIENTS = 256
SETTINGS: tuple[dict[str, int], ...] = ({"seqs": 256, "tokens": 512}, {})
HALF_SECONDS, SETTLE_SECONDS = 10.0, 4.0
FIGURES = ("tokens_per_second", "tokens_per_second_at_equal_prompts", "itl_p95")
_WARM_UP_SECONDS = 8.0
_SWITCH_SECONDS = 0.5
_ACKNOWLEDGE_SECONDS = 5.0
_COUNTERS = ("generation_tokens_total", "prompt_tokens_total", "num_preemptions_total")


@dataclass(frozen=True)
class Reading:
    """The server's totals and its processes' processor seconds, at a moment of the monotonic clock."""

    at: float
    totals: dict[str, float]
    cpu_seconds: dict[str, float]


@dataclass(frozen=True)
class Half:
    """A while in one state, without the time after the switch: how it was taken out, and what was read."""

    state: str
    out: dict[str, list[str]]
    begin: Reading
    end: Reading


@dataclass(frozen=True)
class Difference:
    """How much more there is with the plugin than without, in per cent; the ends of the 95 % interval."""

    mean: float
    low: float
    high: float


def main() -> None:
    """Measure each setting and write its row."""
    seconds, path = float(sys.argv[1]), Path(sys.argv[2])
    halves: list[dict[str, Any]] = []
    with loads() as ready, path.open("a") as file:
        for setting in SETTINGS:
            row = {"setting": setting} | measure(ready, setting, seconds / len(SETTINGS))
            halves += row["halves"]
            _write(file, row)
        _write(file, {"setting": "all", **differences(halves)})


def measure(ready: Loads, setting: dict[str, int], seconds: float) -> dict[str, Any]:
    """Return the row of a setting. Raises RuntimeError when a process does not follow the switch."""
    in_force = limits.put_in_force(server.URL, server.LIMITS_FILE, setting)
    states = order(int((seconds - _WARM_UP_SECONDS) // (2 * HALF_SECONDS)))
    duration = _WARM_UP_SECONDS + len(states) * (HALF_SECONDS + _SWITCH_SECONDS)
    with ThreadPoolExecutor(1) as pool:
        alternation = pool.submit(_alternate, ready, states)
        held = ready.hold(ClosedLoop(clients=CLIENTS), ClosedPlan(CLIENTS, CHAT, "overhead"), duration)
        halves = alternation.result()
    told = at_equal_prompts(halves_told(halves, held, ready.began))
    return {
        "channel": limits.CHANNEL,
        "clients": CLIENTS,
        "in_force": in_force.ranks,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **machine.description(),
        **differences(told),
        "failed": sum(record.error is not None for record in held.records),
        "halves": told,
    }


def order(pairs: int) -> list[str]:
    """Return the states of so many pairs, in turns off and on first: what drifts evenly favours neither."""
    return [state for pair in range(pairs) for state in (("off", "on"), ("on", "off"))[pair % 2]]


def halves_told(halves: Sequence[Half], held: Held, began: float) -> list[dict[str, Any]]:
    """Return what came to the client in each half, beside what the server counted."""
    moments, seconds = gaps(held.records)
    chunks = sorted(moment for record in held.records for moment in record.arrivals)
    found = []
    for half in halves:
        begin, end = half.begin.at - began, half.end.at - began
        seen = between(moments, seconds, begin, end)
        found.append(
            {
                "state": half.state,
                "out": half.out,
                "seconds": end - begin,
                "tokens_per_second": len(between(chunks, chunks, begin, end)) / (end - begin),
                "itl_p50": quantile(seen, 0.5),
                "itl_p95": quantile(seen, 0.95),
                "itl_p99": quantile(seen, 0.99),
                "gaps": len(seen),
                "counted": _grown(half.begin.totals, half.end.totals),
                "cpu_seconds": _grown(half.begin.cpu_seconds, half.end.cpu_seconds),
            }
        )
    return found


def at_equal_prompts(halves: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the halves with their tokens a second as they were with the setting's mean of prompt tokens."""
    prompts = [half["counted"]["prompt_tokens_total"] / half["seconds"] for half in halves]
    slope, _ = linear_regression(prompts, [half["tokens_per_second"] for half in halves])
    return [
        half
        | {"tokens_per_second_at_equal_prompts": half["tokens_per_second"] - slope * (own - fmean(prompts))}
        for half, own in zip(halves, prompts, strict=True)
    ]


def differences(halves: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how many pairs there are, and what the figures that we promise of differ by."""
    return {
        "pairs": len(halves) // 2,
        "per_cent": {name: asdict(difference(halves, name)) for name in FIGURES},
    }


def difference(halves: Sequence[dict[str, Any]], name: str) -> Difference:
    """Return how a figure differs, pair by pair. Raises ValueError for fewer than two pairs."""
    found = []
    for pair in zip(halves[::2], halves[1::2], strict=True):
        by_state = {half["state"]: half[name] for half in pair}
        found.append(100 * (by_state["on"] / by_state["off"] - 1))
    if len(found) < 2:
        raise ValueError(f"{len(found)} pairs have no interval: give it more seconds")
    half_width = two_sided(0.95, len(found) - 1) * stdev(found) / sqrt(len(found))
    return Difference(fmean(found), fmean(found) - half_width, fmean(found) + half_width)


def switch(state: str) -> dict[str, list[str]]:
    """Have the plugin's work in or out; return what each process took out.

    Raises RuntimeError when a process of the server does not say in time that it did.
    """
    partial = server.SWITCH_FILE.with_suffix(".new")
    partial.write_text(state)
    partial.rename(server.SWITCH_FILE)
    deadline = time.monotonic() + _ACKNOWLEDGE_SECONDS
    while True:
        answers = {
            path.suffix[1:]: json.loads(path.read_text() or "{}")
            for path in server.FOLDER.glob(f"{server.SWITCH_FILE.name}.[0-9]*")
            if Path("/proc", path.suffix[1:]).exists()
        }
        # The API server and the engine core at the least; each tells of itself when it starts.
        if len(answers) > 1 and all(answer.get("state") == state for answer in answers.values()):
            return {process: answer["out"] for process, answer in answers.items()}
        if time.monotonic() > deadline:
            raise RuntimeError(f"not every process of the server is {state}: {answers or 'none answered'}")
        time.sleep(0.05)


def _write(file: IO[str], row: dict[str, Any]) -> None:
    file.write(json.dumps(row) + "\n")
    file.flush()
    print(row["setting"], row["pairs"], row["per_cent"], flush=True)


def _alternate(ready: Loads, states: Sequence[str]) -> list[Half]:
    ready.wait_until_begun()
    time.sleep(_WARM_UP_SECONDS)
    halves = []
    try:
        for state in states:
            switched = time.monotonic()
            out = switch(state)
            time.sleep(SETTLE_SECONDS)
            begin = _read()
            time.sleep(max(0.0, switched + HALF_SECONDS - time.monotonic()))
            halves.append(Half(state, out, begin, _read()))
    finally:
        switch("on")
    return halves


def _read() -> Reading:
    totals = exposition.totals(exposition.read(server.URL), _COUNTERS)
    return Reading(time.monotonic(), totals, machine.cpu_seconds(server.session()))


def _grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


if __name__ == "__main__":
    main()
