"""Whether requests are still those that they were, by how long they are."""

OTHER_REQUESTS = 1.5
"""Those that are this many times longer, or shorter, are others: what was seen before is not of them."""


def are_of_others(then: float, now: float) -> bool:
    """Tell it from a mean length, above 0, of then and one of now."""
    return not then / OTHER_REQUESTS <= now <= then * OTHER_REQUESTS
