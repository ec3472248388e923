"""Where on a ladder of whole numbers something ceases to hold."""

from collections.abc import Callable


def last_that_holds(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return a number that holds below one that does not, between `low`, which is taken to hold, and `high`,
    which is taken not to; neither is tried.
    """
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
