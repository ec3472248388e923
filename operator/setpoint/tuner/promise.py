"""What is promised: objectives as the tuner judges them, inside the serving pod."""

from dataclasses import dataclass

from setpoint_vllm.limits_file import Latency


@dataclass(frozen=True)
class Objective:
    """Of the latencies of one kind, `percentile` percent stay within `threshold_seconds`."""

    name: str
    """The label `objective` of the plugin's counters."""
    latency: Latency
    threshold_seconds: float
    percentile: float = 95.0

    @property
    def bad_share_allowed(self) -> float:
        """Share of the latencies that may exceed the threshold."""
        return 1 - self.percentile / 100
