"""Chooses the token budget of each step, so that the step is predicted to stay within a target."""

from bisect import bisect_left, bisect_right

from benchmarks.governor.predictors import Predictor
from benchmarks.governor.steps import Ahead

BUDGETS_TOKENS = (
    *range(64, 512, 32),
    *range(512, 1024, 64),
    *range(1024, 2048, 128),
    *range(2048, 8193, 256),
)
FLOOR_PROMPT_TOKENS = 64
"""However long a step is predicted to take, prompts go on by so many tokens: or first tokens never come."""


def budget_tokens(predictor: Predictor, known: Ahead, target_seconds: float, most_tokens: int) -> int:
    """Return the largest budget whose step is predicted to take at most the target, within the limits.

    Taken from a ladder of budgets, on the assumption that more tokens take longer.
    """
    floor = min(known.decoding + FLOOR_PROMPT_TOKENS, most_tokens)
    first, last = bisect_left(BUDGETS_TOKENS, floor), bisect_right(BUDGETS_TOKENS, most_tokens)
    within = bisect_right(
        BUDGETS_TOKENS, target_seconds, first, last, key=lambda tokens: predictor.predict(known.step(tokens))
    )
    return BUDGETS_TOKENS[within - 1] if within > first else floor
