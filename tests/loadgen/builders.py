"""Records with defaults, and the records that a made-up engine would give."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from setpoint.loadgen.evidence import LOOKS, Verdict, judge
from setpoint.loadgen.measure import Held, Load
from setpoint.loadgen.records import Record
from setpoint.loadgen.report import OpenLoop
from setpoint.workload.objectives import parse_slo


def a_record(
    number: int = 0,
    scheduled: float = 0.0,
    *,
    ttft: float | None = 0.1,
    gaps: Sequence[float] = (0.02, 0.02, 0.02),
    sent: float | None = None,
    error: str | None = None,
    under_way: bool = False,
    tokens_per_chunk: int = 1,
) -> Record:
    """A request whose first token came after `ttft` and the others after these gaps."""
    arrivals = array("d", [] if ttft is None else [scheduled + ttft])
    for gap in gaps if arrivals else ():
        arrivals.append(arrivals[-1] + gap)
    tokens = len(arrivals) * tokens_per_chunk
    return Record(
        number=number,
        scheduled=scheduled,
        sent=scheduled if sent is None else sent,
        output_tokens_asked=max(1, tokens),
        arrivals=arrivals,
        ended=None if under_way else (arrivals[-1] if arrivals else scheduled),
        prompt_tokens=10,
        output_tokens=tokens,
        error=error,
    )


def held(
    records: Iterable[Record],
    end: float = 60.0,
    *,
    load: Load | None = None,
    taken: float = 70.0,
    cpu: Sequence[Sequence[tuple[float, float]]] = (),
    lags: Sequence[Sequence[float]] = (),
) -> Held:
    """A stage that gave these records."""
    rate = OpenLoop(rate_per_second=1.0, arrivals="poisson")
    return Held(load or rate, list(records), end, taken, cpu, lags)


def queue(
    rate_per_second: float,
    service_seconds: float,
    end: float,
    seed: int = 1,
    *,
    gaps: Sequence[float] = (0.02, 0.02, 0.02),
) -> list[Record]:
    """The records of one server up to `end`, first come first served: a TTFT is the wait and the service."""
    random = Random(seed)
    records: list[Record] = []
    arrived = free = 0.0
    while (arrived := arrived + random.expovariate(rate_per_second)) < end:
        free = max(free, arrived) + service_seconds
        ttft = free - arrived
        under_way = free + sum(gaps) > end
        records.append(
            a_record(
                len(records),
                arrived,
                ttft=ttft if free < end else None,
                gaps=gaps if not under_way else (),
                under_way=under_way,
            )
        )
    return records


def bursts(
    late_share: float, burst_seconds: float, rate_per_second: float, random: Random, end: float = 180.0
) -> list[Record]:
    """Records of which so large a share is later than 500 ms, in bursts of so many seconds in the mean."""
    calm_seconds = burst_seconds * (1 / late_share - 1)
    late = random.random() < late_share
    arrived = 0.0
    records: list[Record] = []
    changes = random.expovariate(1 / (burst_seconds if late else calm_seconds))
    while (arrived := arrived + random.expovariate(rate_per_second)) < end:
        while changes < arrived:
            late = not late
            changes += random.expovariate(1 / (burst_seconds if late else calm_seconds))
        records.append(a_record(len(records), arrived, ttft=0.7 if late else random.uniform(0.1, 0.2)))
    return records


def as_seen(records: Iterable[Record], taken: float) -> list[Record]:
    """The records as a look at this moment finds them."""
    seen = []
    for record in records:
        if record.scheduled < taken:
            arrivals = array("d", (moment for moment in record.arrivals if moment <= taken))
            ended = record.ended if record.ended is not None and record.ended <= taken else None
            seen.append(replace(record, arrivals=arrivals, ended=ended))
    return seen


def a_stage(records: Sequence[Record], longest_seconds: float = 180.0) -> tuple[Verdict, float]:
    """What a stage shows of its rate, and after how many seconds; the SLO is a TTFT p95 of 500 ms."""
    for look in LOOKS:
        end = look * longest_seconds
        verdict = judge(held(as_seen(records, end), end, taken=end), parse_slo("ttft.p95=500ms"), look)
        if verdict is not Verdict.UNCLEAR:
            break
    return verdict, end
