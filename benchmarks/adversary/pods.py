"""Which engines there are when, and which of them gets a request: the same whoever steers them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.adversary.faults import UNEVENNESS, Fault, Kind, pod_name


@dataclass(frozen=True)
class Life:
    """One engine from its start to its end; a pod whose container starts anew has several."""

    pod: str
    begins_seconds: float = 0.0
    ready_seconds: float = 0.0
    ends_seconds: float = math.inf
    """From then on nothing is sent to it."""
    drains: bool = False
    """Whether it then answers what it has in hand; else that is lost."""

    def serves(self, now: float) -> bool:
        """Whether its pod is ready, and not on its way out."""
        return self.ready_seconds <= now < self.ends_seconds


def lives(replicas: int, faults: Sequence[Fault]) -> tuple[Life, ...]:
    """Return all engines of an hour, in the order of their start.

    An engine that does not serve when it should restart, or go, is left alone; so is the last one that
    serves when one should go.
    """
    found = [Life(pod_name(number)) for number in range(replicas)]
    pods = replicas
    for fault in faults:
        start, ready = fault.start_seconds, fault.start_seconds + fault.duration_seconds
        if fault.kind is Kind.SCALE_UP:
            found.append(Life(pod_name(pods), start, ready))
            pods += 1
            continue
        serving = [number for number, each in enumerate(found) if each.serves(start)]
        number = next((each for each in serving if found[each].pod == fault.pod), None)
        if number is None:
            continue
        if fault.kind is Kind.ENGINE_RESTART:
            found[number] = replace(found[number], ends_seconds=start)
            found.append(Life(fault.pod, start, ready))
        elif fault.kind is Kind.SCALE_DOWN and len(serving) > 1:
            found[number] = replace(found[number], ends_seconds=start, drains=True)
    return tuple(found)


def router(found: Sequence[Life], faults: Sequence[Fault]) -> Callable[[float], int | None]:
    """Return what says which engine, by its number, gets a request at that time; None where none serves.

    Weighted round robin, smooth as nginx does it: each gains its weight with every request, the one with most
    gets it, and pays for all.
    """
    gained = [0.0] * len(found)

    def choose(now: float) -> int | None:
        serving = [number for number, each in enumerate(found) if each.serves(now)]
        if not serving:
            return None
        total = 0.0
        for number in serving:
            pod = found[number].pod
            weight = UNEVENNESS if any(each.is_on(Kind.ROUTER_UNEVEN, now, pod) for each in faults) else 1.0
            gained[number] += weight
            total += weight
        chosen = max(serving, key=lambda number: gained[number])
        gained[chosen] -= total
        return chosen

    return choose
