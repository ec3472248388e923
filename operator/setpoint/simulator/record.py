"""What the clients of a simulated engine saw, and its figures over a window of time."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from setpoint.simulator.replica import Gap
from setpoint.simulator.step import Step
from setpoint.workload.quantiles import quantile, weighted_quantiles


class Answer(NamedTuple):
    """One request that was answered to its end; seconds."""

    ended_seconds: float
    sent_seconds: float
    ttft_seconds: float
    mean_itl_seconds: float
    """0 for an answer of one token."""

    @property
    def e2e_seconds(self) -> float:
        return self.ended_seconds - self.sent_seconds


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of one latency, in seconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one window; a latency of which nothing was seen is None."""

    tok_s: float
    """Output tokens a second."""
    req_s: float
    """Requests answered to their end a second."""
    ttft: Quantiles | None
    """Pooled over requests first answered in the window."""
    itl: Quantiles | None
    """Pooled over the gaps between tokens of one request that end in the window."""
    e2e: Quantiles | None
    """Pooled over requests answered to their end in the window."""


_SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all requests that were sent: `offered` is the sum of the others."""

    offered: int
    answered: int
    """To their end."""
    shed: dict[str, int]
    """Refused for the moment (503), by reason."""
    too_long: int
    """Refused for their length (400)."""
    under_way: int
    """Neither answered nor refused yet."""


@dataclass(slots=True)
class Record:
    """Each replica tells in order of time, of tokens that are still to go out; several of them in turns."""

    first_tokens: list[tuple[float, float]] = field(default_factory=list)
    """When one came, and the TTFT."""
    gaps: list[Gap] = field(default_factory=list)
    shed: list[tuple[float, str]] = field(default_factory=list)
    """When a request was refused for the moment (503), and why."""
    too_long: list[float] = field(default_factory=list)
    """When a request was refused for its length (400)."""
    _answers: list[tuple[float, float, float, float]] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        """The requests that were answered to their end."""
        return [Answer(*each) for each in self._answers]

    def answers_since(self, number: int) -> list[Answer]:
        """Those after the first `number` that were told."""
        return [Answer(*each) for each in self._answers[number:]]

    def gap(self, gap: Gap) -> None:
        """Note when the tokens of a step went out."""
        if gap[2]:
            self.gaps.append(gap)

    def step(self, step: Step, half: float, out: float) -> None:
        """Note what else a step brought, half of it by `half` and all by `out`."""
        for late in step.late_gaps_seconds:
            self.gaps.append((half, late, 1))
        for request in step.first_tokens:
            ttft = request.ttft_seconds = out - request.sent_seconds
            self.first_tokens.append((out, ttft))
        for request in step.finished:
            sent, ttft = request.sent_seconds, request.ttft_seconds or 0.0
            gaps = request.output_tokens - 1
            self._answers.append((out, sent, ttft, (out - sent - ttft) / gaps if gaps else 0.0))

    def outcome(self, offered: int, end: float) -> Outcome:
        """Return what had become of so many requests by `end`, at which the record ends."""
        answered = sum(ended < end for ended, *_ in self._answers)
        shed = Counter(reason for _, reason in self.shed)
        refused = shed.total() + len(self.too_long)
        return Outcome(offered, answered, dict(shed), len(self.too_long), offered - answered - refused)

    def figures(self, start: float, end: float) -> Figures:
        """Return the figures of the window [start, end)."""
        for events in (self.first_tokens, self.gaps, self._answers):
            events.sort(key=itemgetter(0))  # fast where they are in order already
        firsts = self.first_tokens[_at(self.first_tokens, start) : _at(self.first_tokens, end)]
        gaps = self.gaps[_at(self.gaps, start) : _at(self.gaps, end)]
        answers = self._answers[_at(self._answers, start) : _at(self._answers, end)]
        tokens = len(firsts) + sum(number for _, _, number in gaps)
        itl = weighted_quantiles([(gap, number) for _, gap, number in gaps], _SHARES) if gaps else None
        return Figures(
            tok_s=tokens / (end - start),
            req_s=len(answers) / (end - start),
            ttft=_quantiles([ttft for _, ttft in firsts]),
            itl=Quantiles(*itl) if itl else None,
            e2e=_quantiles([ended - sent for ended, sent, _, _ in answers]),
        )


def _quantiles(seconds: list[float]) -> Quantiles | None:
    seconds.sort()
    return Quantiles(*(quantile(seconds, share) for share in _SHARES)) if seconds else None


def _at(events: list, seconds: float) -> int:  # type: ignore[type-arg]
    return bisect_left(events, (seconds,))
