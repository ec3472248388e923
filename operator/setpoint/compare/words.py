"""Numbers and foreign text as they are shown."""

from decimal import Context, Decimal

from setpoint.compare.cost import Cost
from setpoint.compare.differences import Difference
from setpoint.loadgen.report import OpenEstimate

MISSING = "-"
_THREE_DIGITS = Context(prec=3)


def number(value: float) -> str:
    """Return a number with three significant digits, and with all that stand before the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{_THREE_DIGITS.create_decimal_from_float(value).normalize():f}" if value else "0"


def value(found: OpenEstimate | None) -> str:
    """Return a value without its bounds."""
    return MISSING if found is None else number(found.value)


def estimate(found: OpenEstimate | None) -> str:
    """Return a value with the bounds of its 95 % interval; the upper one may be missing."""
    if found is None:
        return MISSING
    high = MISSING if found.high is None else number(found.high)
    return f"{number(found.value)} [{number(found.low)}, {high}]"


def percent(found: Difference | None, first: OpenEstimate | None) -> tuple[str, str]:
    """Return a difference in percent of the first value, and its bounds; nothing of a first value of zero."""
    if found is None or first is None or not first.value:
        return MISSING, ""
    value, low, high = (
        f"{each / abs(first.value):+.1%}"[:-1] for each in (found.value, found.low, found.high)
    )
    return value, f" [{low}, {high}]"


def money(amount: Decimal) -> str:
    """Return an amount with three significant digits, and with all that stand before the point."""
    return f"{amount:.0f}" if amount >= 100 else f"{_THREE_DIGITS.create_decimal(amount):f}"


def cost(found: Cost | None, currency: str) -> str:
    """Return a cost with its currency and bounds."""
    if found is None:
        return MISSING
    high = MISSING if found.high is None else money(found.high)
    return f"{money(found.value)} {currency} [{money(found.low)}, {high}]"


def printable(text: str) -> str:
    """Return the text with every character that could steer a terminal or hide written as an escape."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
