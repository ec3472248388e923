"""What tokens cost, from the price of a GPU hour and the measured throughput."""

from dataclasses import dataclass
from decimal import Decimal

from setpoint.loadgen.report import Estimate, Stage
from setpoint.workload.cost import per_million_tokens


@dataclass(frozen=True, slots=True)
class Price:
    """What one hour of the hardware under load costs."""

    per_gpu_hour: Decimal
    currency: str
    gpus: int


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of money and its bounds, as the throughput's 95 % interval gives them."""

    value: Decimal
    low: Decimal
    high: Decimal | None
    """None where the throughput's interval reaches down to zero: the cost has no upper bound."""


def per_million(tokens_per_second: Estimate, price: Price) -> Cost | None:
    """Return the cost of a million tokens at a steady throughput; None when nothing comes out."""
    if tokens_per_second.value <= 0:
        return None
    per_hour = price.per_gpu_hour * price.gpus
    return Cost(
        value=per_million_tokens(per_hour, tokens_per_second.value),
        low=per_million_tokens(per_hour, tokens_per_second.high),
        high=per_million_tokens(per_hour, tokens_per_second.low) if tokens_per_second.low > 0 else None,
    )


def total_tokens_per_second(stage: Stage) -> Estimate:
    """Return the tokens in and out, a second.

    Input tokens carry no interval of their own: the load test draws them, so their rate is as uncertain as
    that of the requests. Both parts are taken to err in the same direction, which is the wider choice.
    """
    requests, output = stage.requests_per_second, stage.output_tokens_per_second
    per_request = stage.input_tokens_per_second / requests.value if requests.value > 0 else 0.0
    return Estimate(
        value=stage.input_tokens_per_second + output.value,
        low=per_request * requests.low + output.low,
        high=per_request * requests.high + output.high,
    )
