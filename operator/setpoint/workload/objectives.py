"""What is promised, and whether a request kept it.

A request is good when it meets every objective itself. A percentile of an objective says which share of the
requests (or, for the inter-token latency, of the tokens) has to stay within the threshold for the promise to
hold over a window; the verdict on one request knows only the thresholds.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from setpoint.workload.durations import duration_seconds


class Metric(StrEnum):
    """A latency that can be promised."""

    TTFT = "ttft"
    """From the scheduled send time to the first token."""
    ITL = "itl"
    """Between two tokens of one request."""
    E2E = "e2e"
    """From the scheduled send time to the last token."""


class ItlRule(StrEnum):
    """How the gaps between one request's tokens are held against the ITL threshold."""

    MEAN = "mean"
    """Their mean is within it."""
    EVERY_GAP = "every-gap"
    """Each of them is within it."""


@dataclass(frozen=True, slots=True)
class Objective:
    """At least `percentile` percent stay within `threshold_seconds`."""

    metric: Metric
    percentile: float
    threshold_seconds: float

    def __str__(self) -> str:
        return f"{self.metric}.p{self.percentile:g}={self.threshold_seconds * 1000:g}ms"


@dataclass(frozen=True, slots=True)
class RequestLatencies:
    """What one answered request went through, in seconds."""

    ttft_seconds: float
    mean_itl_seconds: float
    """0 for an answer of one token, which has no gap."""
    worst_itl_seconds: float
    e2e_seconds: float


@dataclass(frozen=True, slots=True)
class Slo:
    """The objectives of one service, and the rule for the ITL verdict."""

    objectives: tuple[Objective, ...]
    itl_rule: ItlRule = ItlRule.MEAN

    def is_good(self, request: RequestLatencies) -> bool:
        """Return whether a request that was answered to its end meets every objective itself."""
        judged = {
            Metric.TTFT: request.ttft_seconds,
            Metric.ITL: (
                request.mean_itl_seconds if self.itl_rule is ItlRule.MEAN else request.worst_itl_seconds
            ),
            Metric.E2E: request.e2e_seconds,
        }
        return all(judged[each.metric] <= each.threshold_seconds for each in self.objectives)


_OBJECTIVE = re.compile(r"([a-z0-9]+)\.p([0-9]+(?:\.[0-9]+)?)=(.+)")


def parse_slo(text: str, itl_rule: ItlRule = ItlRule.MEAN) -> Slo:
    """Return the SLO that `text` names, such as `itl.p95=60ms,ttft.p95=1s`.

    Raises ValueError when it is not of that form, promises nothing, or cannot be kept by any engine.
    """
    objectives = tuple(_objective(part.strip()) for part in text.split(","))
    by_metric: dict[Metric, list[Objective]] = {}
    for each in objectives:
        by_metric.setdefault(each.metric, []).append(each)
    for same in by_metric.values():
        if len(same) > 1:
            raise ValueError(f"{text!r} has {same[0].metric} twice: leave one of {same[0]} and {same[1]}")
    first, whole = by_metric.get(Metric.TTFT), by_metric.get(Metric.E2E)
    if first and whole and whole[0].threshold_seconds < first[0].threshold_seconds:
        raise ValueError(
            f"{text!r} cannot be kept: {whole[0]} ends before {first[0]}: raise e2e or lower ttft"
        )
    return Slo(objectives, itl_rule)


def _objective(text: str) -> Objective:
    match = _OBJECTIVE.fullmatch(text)
    known = ", ".join(Metric)
    if not match or match[1] not in list(Metric):
        raise ValueError(
            f"{text!r} is no objective; write METRIC.pNN=DURATION with {known}, such as itl.p95=60ms"
        )
    percentile = float(match[2])
    if not 0 < percentile < 100:
        raise ValueError(f"{text!r}: percentile {match[2]} is not between 0 and 100, such as p95")
    try:
        threshold_seconds = duration_seconds(match[3])
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    if threshold_seconds == 0:
        raise ValueError(f"{text!r}: a threshold of 0 cannot be kept; write for example 60ms")
    return Objective(Metric(match[1]), percentile, threshold_seconds)
