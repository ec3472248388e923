"""What is promised: the p95s of the two latencies that a table has."""

from dataclasses import dataclass

from benchmarks.tuner.replay.visit import Visit
from setpoint.workload.objectives import Metric, parse_slo

_PERCENTILE = 95


@dataclass(frozen=True, slots=True)
class Promise:
    """Seconds that a p95 stays within; None for what is not promised, and one of them is."""

    ttft_p95_seconds: float | None = None
    itl_p95_seconds: float | None = None

    def shares(self, visit: Visit) -> list[float]:
        """Return of each objective what was measured as a share of the threshold: above 1 it is missed."""
        objectives = (
            (visit.ttft_p95_seconds, self.ttft_p95_seconds),
            (visit.itl_p95_seconds, self.itl_p95_seconds),
        )
        return [measured / threshold for measured, threshold in objectives if threshold is not None]

    def is_kept(self, visit: Visit) -> bool:
        """Return whether every objective is within its threshold."""
        return max(self.shares(visit)) <= 1

    def __str__(self) -> str:
        named = {"itl": self.itl_p95_seconds, "ttft": self.ttft_p95_seconds}
        return ",".join(f"{name}.p95={1000 * value:g}ms" for name, value in named.items() if value)


def parse_promise(text: str) -> Promise:
    """Return the promise that `text` names, such as `itl.p95=60ms,ttft.p95=1s`.

    Raises ValueError when it is no SLO, or one that a table with p95s of TTFT and ITL cannot be judged by.
    """
    thresholds = {}
    for each in parse_slo(text).objectives:
        if each.metric is Metric.E2E:
            raise ValueError(f"{each} cannot be judged: a table has itl and ttft alone; promise those")
        if each.percentile != _PERCENTILE:
            raise ValueError(
                f"{each} cannot be judged: a table has p95s alone; promise {each.metric}.p{_PERCENTILE}"
            )
        thresholds[each.metric] = each.threshold_seconds
    return Promise(thresholds.get(Metric.TTFT), thresholds.get(Metric.ITL))
