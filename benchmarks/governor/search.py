"""The highest rate at which a promise holds, on a ladder of rates that all arms share."""

from collections.abc import Callable

from benchmarks.virtual.bisection import last_that_holds

RUNG = 1.02
"""Each rate of the ladder over the one below."""
LOWEST, HIGHEST = -120, 60
"""Rungs from the typical rate: from a tenth to three times of it."""


def rate_per_second(typical_per_second: float, rung: int) -> float:
    """Return the rate at a rung."""
    return float(typical_per_second * RUNG**rung)


def highest_rung(holds: Callable[[int], bool], start: int) -> int | None:
    """Return the highest rung that holds, next to one that does not; None when the lowest does not hold.

    Gallops away from `start` in steps that double, then bisects. Where what holds is no single stretch, it
    finds an end of one near the start.
    """
    if holds(start):
        low, high = _gallop(holds, start, +1, HIGHEST + 1)
    else:
        high, low = _gallop(lambda rung: not holds(rung), start, -1, LOWEST - 1)
        if low < LOWEST:
            return None
    return last_that_holds(holds, low, high)


def _gallop(goes_on: Callable[[int], bool], start: int, direction: int, end: int) -> tuple[int, int]:
    """Return the last rung seen that goes on and the first that does not, or `end`, which nobody tries."""
    last, stride = start, 1
    while True:
        following = last + direction * stride
        if direction * (following - end) >= 0:
            if last == end - direction:
                return last, end
            following = end - direction
        if not goes_on(following):
            return last, following
        last, stride = following, 2 * stride
