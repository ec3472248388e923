"""How many sequences may run at once: what the start, the KV cache and the gaps allow."""

from setpoint.planner.captured import snapped_down
from setpoint.planner.mix import Mix
from setpoint.planner.serving import Gaps, Serving


def most_held(serving: Serving, mix: Mix) -> int:
    """Return how many the KV cache holds on average, at most those of the start.

    vLLM admits a request whose prompt fits, and preempts one when answers grow beyond the cache: what was
    computed of it then is lost.
    """
    start = serving.start.max_num_seqs
    held = serving.kv_cache_tokens / mix.live_tokens
    return start if held >= start else snapped_down(held)


def most_decoding(serving: Serving, mix: Mix, within_seconds: float) -> int:
    """Return how many decode together within so long, in a step without a prompt; at least 1."""
    gaps = Gaps(serving, mix)
    low, high = 1, serving.start.max_num_seqs
    if gaps(high, 0) <= within_seconds:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if gaps(middle, 0) <= within_seconds else (low, middle - 1)
    return snapped_down(low)
