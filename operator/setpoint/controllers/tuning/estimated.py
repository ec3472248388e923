"""Figures of a service's status that a plan predicts, and what tokens cost by the measured and by those."""

from collections.abc import Mapping
from decimal import Decimal

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.status import EstimateStatus
from setpoint.controllers.tuning.tuned import Tuned
from setpoint.controllers.tuning.words import two_digits
from setpoint.signals.reading import Reading, ranks_per_engine
from setpoint.signals.window import Window
from setpoint.workload.cost import per_million_tokens


def estimated(
    service: InferenceService, tuned: Tuned, window: Window | None, readings: Mapping[str, Reading]
) -> EstimateStatus | None:
    """Return what the plan says of one engine, to two digits: more would change with every plan."""
    planned, start = tuned.state.planned, tuned.start
    ranks = ranks_per_engine(readings)
    if planned.plan is None or planned.made_for is None or start is None or not ranks:
        return None
    rate = ranks * planned.plan.rate_per_second(tuned.state.knobs.tokens or start.tokens)
    at_start = ranks * planned.plan.rate_per_second(start.tokens)
    saturation = window.arrivals_per_second / rate / len(readings) if window and rate else None
    return EstimateStatus(
        sustainable_rate=two_digits(rate),
        sustainable_rate_at_start=two_digits(at_start),
        cost_per_million_tokens=cost(service, rate * planned.made_for.output_tokens, engines=1),
        saturation=None if saturation is None else f"{two_digits(100 * saturation)}%",
    )


def cost(service: InferenceService, tokens_per_second: float, *, engines: int) -> str | None:
    """Return what a million output tokens cost that so many engines give; None without a price or a token."""
    pricing = service.spec.pricing
    if pricing is None or tokens_per_second <= 0:
        return None
    per_hour = Decimal(pricing.gpu_hour) * service.spec.parallelism.tensor * engines
    return two_digits(float(per_million_tokens(per_hour, tokens_per_second)))
