"""Shares and durations as the status tells them."""


def percent(share: float) -> str:
    """Return a share of 0 to 1 in percent, to a tenth."""
    return f"{100 * share:.1f}%"


def two_digits(figure: float) -> str:
    """Return a figure to two significant digits."""
    return f"{float(f'{figure:.2g}'):g}"


def duration(seconds: float) -> str:
    """Return a duration as the API writes one."""
    if seconds < 1:
        return f"{1000 * seconds:g}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"
