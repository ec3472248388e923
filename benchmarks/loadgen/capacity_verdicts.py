"""How often a stage of the capacity search is wrong about its rate, when the true late share is known.

`python -m benchmarks.loadgen.capacity_verdicts` judges made-up stages of 180 s with a TTFT p95 of 500 ms (so
5 % of the requests may be late) and writes capacity_verdicts.json beside this file. Lateness comes

- in bursts at 5 requests a second: within a burst every request is late, and nothing announces it; bursts and
  the calm between them are exponential (an alternating renewal process);
- by a queue: one server, 0.1 s a request, arrivals by chance; the rate gives the late share.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from setpoint.loadgen.evidence import Verdict
from setpoint.loadgen.machine import machine
from setpoint.loadgen.records import Record
from tests.loadgen.builders import a_stage, bursts, queue

RESULTS = Path(__file__).with_name("capacity_verdicts.json")
STAGES = 200
LATE_SHARES = (0.01, 0.03, 0.04, 0.055, 0.06, 0.08)
BURST_SECONDS = (0.5, 1.0, 2.0, 5.0)
STAGE_SECONDS, THRESHOLD_SECONDS = 180.0, 0.5
BURSTS_PER_SECOND, SERVICE_SECONDS = 5.0, 0.1
_LONG_SECONDS = 40_000.0

Stage = Callable[[int], Sequence[Record]]
"""The records of a stage with this seed."""


def rate_of_late_share(late_share: float) -> float:
    """Return the rate at which so large a share of the queue's requests is late, to 0.25 %."""
    low, high = 5.0, 9.0
    while high / low > 1.0025:
        middle = (low + high) / 2
        records = queue(middle, SERVICE_SECONDS, _LONG_SECONDS, gaps=())
        late = sum((record.first or math.inf) - record.scheduled > THRESHOLD_SECONDS for record in records)
        low, high = (middle, high) if late < late_share * len(records) else (low, middle)
    return low


def in_bursts(late_share: float, burst_seconds: float) -> Stage:
    """Return stages whose late requests come in bursts."""
    return lambda seed: bursts(late_share, burst_seconds, BURSTS_PER_SECOND, Random(seed), STAGE_SECONDS)


def in_a_queue(rate_per_second: float) -> Stage:
    """Return stages of the queue."""
    return lambda seed: queue(rate_per_second, SERVICE_SECONDS, STAGE_SECONDS, seed)


def verdicts(stage: Stage) -> dict[str, float]:
    """Return the share of each verdict over stages with different seeds."""
    counts = Counter(a_stage(stage(seed), STAGE_SECONDS)[0] for seed in range(STAGES))
    return {verdict.value: counts[verdict] / STAGES for verdict in Verdict}


def main() -> None:
    """Judge, count, write."""
    results = []
    for late_share in LATE_SHARES:
        stages = {f"bursts of {seconds:g} s": in_bursts(late_share, seconds) for seconds in BURST_SECONDS}
        stages["queue"] = in_a_queue(rate_of_late_share(late_share))
        for name, stage in stages.items():
            results.append({"late_share": late_share, "lateness": name, **verdicts(stage)})
            print(results[-1], flush=True)
    date = datetime.now(UTC).date().isoformat()
    found = {"date": date, "machine": machine(), "stages_each": STAGES, "cases": results}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
