"""Engines that tell what a test wants them to, and keep to the limits file that their pod is told."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from setpoint.controllers.tuning.scrape import Engines
from setpoint.signals.reading import Counters, Judged, RankLimits, Reading, Steps
from setpoint_vllm.limits_file import Latency, Limit, LimitsFile

START = {Limit.TOKENS: 8192, Limit.SEQS: 1024}


@dataclass
class FakeEngine:
    """One engine of one service, on a clock of its own."""

    namespace: str
    service: str = "chat"
    pod: str = "chat-1"
    now: float = 1_000_000.0
    told: LimitsFile = field(default_factory=LimitsFile)
    failure: str = ""
    has_plugin: bool = True
    asked_for_histograms: bool = False
    """At the last look."""
    shows_steps: bool = False
    """Whether it tells how long its steps take: those of an 8B model on an H100."""
    requests_per_second: float = 40.0
    good: float = 0.0
    late: float = 0.0
    judged: Judged = field(default_factory=Judged)

    def serve(self, seconds: float, *, bad_share: float) -> None:
        """Let time go by, in which requests came, and a share of their gaps was too long."""
        requests = self.requests_per_second * seconds
        self.now += seconds
        self.good += requests * (1 - bad_share)
        self.late += requests * bad_share
        self.judged += Judged(100 * requests * (1 - bad_share), 100 * requests * bad_share)

    def look(self, _: float, unjudged: Collection[str] = ()) -> Engines:
        """Be what Prometheus has of it."""
        if self.failure:
            return Engines(failure=self.failure)
        self.asked_for_histograms = self.service in unjudged
        pod = self.namespace, self.pod
        return Engines({pod: self._reading()}, {pod: self.service})

    def _reading(self) -> Reading:
        requests = self.good + self.late
        within = self.judged.good
        latencies = {
            Latency.TTFT: {1.0: requests, math.inf: requests},
            Latency.ITL: {0.025: within, 0.05: within, math.inf: self.judged.count},
        }
        return Reading(
            at_seconds=self.now,
            counters=Counters(
                good=self.good if self.has_plugin else 0.0,
                late=self.late if self.has_plugin else 0.0,
                judged={"between-tokens": self.judged} if self.has_plugin else {},
                latencies=latencies if self.asked_for_histograms else {},
                prompt_tokens=512 * requests,
                generation_tokens=128 * requests,
                steps_by_size=_steps(requests) if self.shows_steps else {2048.0: Steps(60 * requests)},
            ),
            running=2.5 * self.requests_per_second,
            waiting=0,
            kv_cache_usage=0.2,
            ranks={"0": self._limits()} if self.has_plugin else {},
            supported=True if self.has_plugin else None,
        )

    def _limits(self) -> RankLimits:
        return RankLimits(self.told.generation, self.told.writer, START | self.told.limits, START)


def _steps(requests: float) -> dict[float, Steps]:
    """Three steps for each request: two with 40 tokens, and one with a prompt of 400 too."""
    return {
        64.0: Steps(2 * requests, 2 * requests * 0.007, 2 * requests * 44),
        512.0: Steps(requests, requests * 0.0165, requests * 440),
    }
