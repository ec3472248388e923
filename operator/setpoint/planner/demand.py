"""Replicas and cost of a rate, from a predicted sustainable rate: predicted themselves, therefore."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from setpoint.planner.mix import Mix
from setpoint.workload.cost import per_million_tokens


@dataclass(frozen=True, slots=True)
class Demand:
    """What a rate takes."""

    rate_per_second: float
    replicas: int
    utilisation: float
    """The rate over what the replicas sustain."""


def demand(rate_per_second: float, sustainable_rate_per_second: float) -> Demand | None:
    """Return what a rate above 0 takes; None where one engine sustains no rate."""
    if sustainable_rate_per_second <= 0:
        return None
    replicas = ceil(rate_per_second / sustainable_rate_per_second)
    utilisation = rate_per_second / (replicas * sustainable_rate_per_second)
    return Demand(rate_per_second, replicas, utilisation)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a million tokens, in the currency of the price."""

    output_tokens: float
    all_tokens: float
    """Prompt and answer alike."""


def cost_per_million(price_per_gpu_hour: float, replicas: int, rate_per_second: float, mix: Mix) -> Cost:
    """Return the cost where so many replicas of one GPU each serve a rate above 0."""
    per_hour = Decimal(str(price_per_gpu_hour)) * replicas
    output_tokens, all_tokens = (
        float(per_million_tokens(per_hour, rate_per_second * tokens))
        for tokens in (mix.output_tokens, mix.prompt_tokens + mix.output_tokens)
    )
    return Cost(output_tokens, all_tokens)
