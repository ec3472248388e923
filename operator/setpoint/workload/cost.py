"""What tokens cost: the price of the hardware's hour over the tokens of an hour."""

from decimal import Decimal

_MILLION_OVER_SECONDS_PER_HOUR = Decimal(1_000_000) / Decimal(3600)


def per_million_tokens(price_per_hour: Decimal, tokens_per_second: float) -> Decimal:
    """Return what a million tokens cost at a steady throughput above 0."""
    return price_per_hour * _MILLION_OVER_SECONDS_PER_HOUR / Decimal(str(tokens_per_second))
