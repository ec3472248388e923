"""How long to wait after the n-th failure in a row."""

import random
from collections.abc import Callable


def backoff_seconds(
    failures: int,
    *,
    base_seconds: float,
    cap_seconds: float,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Exponential back-off: base, twice the base, four times ... up to the cap, each drawn from its upper
    half.

    The jitter keeps many that failed together (an API server that restarts) from coming back together.
    """
    # The exponent is bounded because a float is: 2**1024 overflows.
    return min(cap_seconds, base_seconds * 2.0 ** min(failures, 60)) * uniform(0.5, 1.0)
