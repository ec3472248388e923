"""What all clients together saw, held against the objectives."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from setpoint.signals.reading import Judged, Reading
from setpoint.simulator.record import Answer, Record
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency


@dataclass
class Verdicts:
    """Counters of all latencies and answers so far, as the plugin would have them."""

    objectives: Sequence[Objective]
    judged: dict[str, Judged] = field(default_factory=dict)
    good: float = 0.0
    late: float = 0.0
    _seen: list[int] = field(default_factory=lambda: [0, 0, 0])

    def follow(self, record: Record) -> None:
        """Judge what has come since."""
        firsts, gaps = record.first_tokens, record.gaps
        answers = record.answers_since(self._seen[2])
        for each in self.objectives:
            first = each.latency is Latency.TTFT
            latencies = (
                ((ttft, 1) for _, ttft in firsts[self._seen[0] :])
                if first
                else ((gap, number) for _, gap, number in gaps[self._seen[1] :])
            )
            good = bad = 0
            for seconds, number in latencies:
                if seconds <= each.threshold_seconds:
                    good += number
                else:
                    bad += number
            before = self.judged.get(each.name, Judged())
            self.judged[each.name] = before + Judged(good, bad)
        good = sum(is_good(each, self.objectives) for each in answers)
        self.good += good
        self.late += len(answers) - good
        self._seen = [len(firsts), len(gaps), self._seen[2] + len(answers)]

    def shown_by(self, reading: Reading, shed: int) -> Reading:
        """Return what an engine would show that counts all these, and so many requests shed."""
        counters = replace(
            reading.counters, good=self.good, late=self.late, shed=float(shed), judged=dict(self.judged)
        )
        return replace(reading, counters=counters)


def is_good(answer: Answer, objectives: Sequence[Objective]) -> bool:
    """Whether a request met every objective itself."""
    seen = {Latency.TTFT: answer.ttft_seconds, Latency.ITL: answer.mean_itl_seconds}
    return all(seen[each.latency] <= each.threshold_seconds for each in objectives)
