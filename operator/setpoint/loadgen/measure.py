"""From the records of one stage to its figures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.loadgen.bottleneck import client_figures, why_invalid
from setpoint.loadgen.drift import drifts
from setpoint.loadgen.estimates import Samples, latency, rate, share_beyond
from setpoint.loadgen.promise import is_good
from setpoint.loadgen.records import Record, tokens_per_chunk
from setpoint.loadgen.report import ClosedLoop, Estimate, OpenLoop, Replay, Stage
from setpoint.loadgen.slo_verdict import slo_verdict
from setpoint.loadgen.unseen import unseen
from setpoint.loadgen.window import Window, find_window, latencies
from setpoint.workload.objectives import Slo

_LEAST_WINDOW_SECONDS = 0.5

Load = ClosedLoop | OpenLoop | Replay


@dataclass(frozen=True, slots=True)
class Held:
    """What holding one load gave. Times are seconds since the stage began."""

    load: Load
    records: Sequence[Record]
    end: float
    """When the window ends; later requests only kept the load up."""
    taken: float
    """When the records were taken."""
    cpu: Sequence[Sequence[tuple[float, float]]] = ()
    """By sender process: CPU seconds used until a moment."""
    lags: Sequence[Sequence[float]] = ()
    """By sender process: how late it was at each tick since the stage began."""
    deaths: Sequence[str] = ()
    """Of senders: requests that they had under way, the slow ones first of all, are not among the records."""

    def is_worth_a_figure(self, warm_up_seconds: float | None) -> bool:
        """Return whether there is anything to measure: an interruption may have come at once."""
        return self.end - (warm_up_seconds or 0.0) >= _LEAST_WINDOW_SECONDS


def measure(
    held: Held, slo: Slo | None, warm_up_seconds: float | None = None, *, probe: bool = False
) -> Stage:
    """Return the figures of a stage; its warm-up is found when it is not given, but that of a trace is 0.

    A trace is asked for as a whole: what it begins with, such as a burst, belongs to it. `probe`: it is a
    short stage of a search.
    """
    records = held.records
    if warm_up_seconds is None and isinstance(held.load, Replay):
        warm_up_seconds = 0.0
    window = find_window(records, held.end, warm_up_seconds)
    offered = [record for record in records if record.scheduled in window]
    completed = [record for record in records if record.answered and record.ended in window]
    good = [record for record in offered if is_good(slo, record)] if slo else []
    samples = latencies(records, window)
    per_chunk = tokens_per_chunk(completed)
    tokens = ((moment, per_chunk) for record in records for moment in record.arrivals)
    open_loop = not isinstance(held.load, ClosedLoop)
    unsteady = [each.told for each in drifts(records, window, samples, open_loop=open_loop)]
    judged = slo_verdict(slo, records, window, held.taken) if slo else None
    client = client_figures(offered, held.cpu, held.lags, window)
    ttft, itl = latency(samples.ttft), latency(samples.itl)
    return Stage(
        load=held.load,
        window_seconds=window.seconds,
        warmup_seconds=window.start,
        requests_offered=len(offered),
        requests_completed=len(completed),
        errors=dict(sorted(Counter(record.error for record in offered if record.error).items())),
        failed_share=_failed_share(window, offered),
        good=len(good) if slo else None,
        goodput_per_second=_rate(window, [record.scheduled for record in good]) if slo else None,
        requests_per_second=_rate(window, [record.ended or 0.0 for record in completed]),
        input_tokens_per_second=sum(record.prompt_tokens for record in completed) / window.seconds,
        output_tokens_per_second=rate(window.counts(tokens), window.seconds),
        ttft=ttft,
        itl=itl,
        tpot=latency(samples.tpot),
        e2e=latency(samples.e2e),
        tokens_per_chunk=per_chunk,
        client=client,
        slo_met=judged.met if judged else None,
        unmet=judged.why_not if judged else [],
        stationary=not unsteady,
        unsteady=unsteady,
        invalid=[*why_invalid(client, offered, ttft, itl), *held.deaths],
        notes=unseen(records, window),
        probe=probe,
    )


def _rate(window: Window, moments: Sequence[float]) -> Estimate:
    return rate(window.counts((moment, 1.0) for moment in moments), window.seconds)


def _failed_share(window: Window, offered: Sequence[Record]) -> Estimate | None:
    failed = Samples()
    for record in offered:
        failed.add(1.0 if record.error else 0.0, record.number, window.batch(record.scheduled))
    return share_beyond(failed, 0.0)
