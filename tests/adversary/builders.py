"""Hours with what a test is about."""

from collections.abc import Sequence

from benchmarks.adversary.faults import HOUR_SECONDS, Fault
from benchmarks.adversary.hour import Hour
from benchmarks.tuner.cases import chat
from benchmarks.virtual.load import Phase
from benchmarks.virtual.services import H100_8B, objectives
from setpoint.tuner.promise import Objective

LOOSE = objectives(itl_seconds=0.15, ttft_seconds=3.0)
TIGHT = objectives(itl_seconds=0.02)


def hour(
    *faults: Fault, replicas: int = 1, rate_per_second: float = 2.0, promise: Sequence[Objective] = LOOSE
) -> Hour:
    """Return an hour of chat with these faults."""
    phases = (Phase(HOUR_SECONDS, rate_per_second, chat()),)
    return Hour(1, H100_8B, replicas, tuple(promise), phases, faults, ("chat",))
