"""The load test's own machinery on the benchmark's server, for what needs the time of every single token."""

import asyncio
import secrets
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.h100 import server
from setpoint.loadgen.client import Endpoint
from setpoint.loadgen.fleet import Fleet, sender_count
from setpoint.loadgen.hold import Holder, Progress
from setpoint.loadgen.measure import Held, Load
from setpoint.loadgen.plan import Plan
from setpoint.loadgen.preflight import preflight
from setpoint.loadgen.prompts import Prompts, words_of_tokenizer
from setpoint.loadgen.records import Record
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform
from setpoint.workload.objectives import Slo

CHAT = Shape(Uniform(256, 768), Uniform(64, 192))
"""The lengths of the plan's chat cells."""
LONG_PROMPTS = Shape(Uniform(1024, 3072), Uniform(64, 192))
"""Those of its cells with long prompts, which have nothing in common here."""
SHAPES = {"chat": CHAT, "long": LONG_PROMPTS}
_TIMEOUT_SECONDS = 300.0


@dataclass
class Loads:
    """Holds loads on the server, and knows when the one under way began."""

    fleet: Fleet
    began: float = field(default=0.0, init=False)
    """By the monotonic clock: when the load began that is, or was last, held; 0 before its first moments."""

    def hold(self, load: Load, plan: Plan, seconds: float, slo: Slo | None = None) -> Held:
        """Return what the load gave."""
        self.began = 0.0
        return Holder(self.fleet, slo, _TIMEOUT_SECONDS, self._note, lambda: False).hold(load, plan, seconds)

    def wait_until_begun(self) -> float:
        """Return when the load began, by the monotonic clock; for a thread beside the one that holds it."""
        while not self.began:
            time.sleep(0.05)
        return self.began

    def _note(self, progress: Progress) -> None:
        if not self.began and progress.elapsed_seconds:
            self.began = time.monotonic() - progress.elapsed_seconds


@contextmanager
def loads() -> Iterator[Loads]:
    """Start the senders, with prompts of the model's own words; end them."""
    prompts = Prompts(secrets.token_hex(8), words_of_tokenizer(server.MODEL))
    endpoint = Endpoint(server.URL, server.MODEL_NAME, "completions")
    ready = asyncio.run(preflight(endpoint, prompts, tokenizer=True, timeout_seconds=_TIMEOUT_SECONDS))
    with Fleet(sender_count(), ready.endpoint, ready.prompts, _TIMEOUT_SECONDS) as fleet:
        yield Loads(fleet)


def gaps(records: Sequence[Record]) -> "tuple[array[float], array[float]]":
    """Return the moments at which tokens came, in order, and beside each the gap before it in seconds."""
    pairs = sorted(
        (later, later - earlier)
        for record in records
        for earlier, later in zip(record.arrivals, record.arrivals[1:], strict=False)
    )
    return array("d", (moment for moment, _ in pairs)), array("d", (gap for _, gap in pairs))


def between(moments: Sequence[float], values: Sequence[float], begin: float, end: float) -> list[float]:
    """Return the values whose moments lie from `begin` until before `end`."""
    return list(values[bisect_left(moments, begin) : bisect_left(moments, end)])


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the values reaches at most. Raises ValueError when there is none."""
    if not values:
        raise ValueError("no value: nothing came in this time")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
