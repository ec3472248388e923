"""Whether the client was the bottleneck: then the figures of a stage tell of it, not of the endpoint."""

import math
from collections.abc import Sequence

from setpoint.loadgen.records import TICK_SECONDS, ErrorKind, Record
from setpoint.loadgen.report import Client, Latency
from setpoint.loadgen.window import Window
from setpoint.workload.quantiles import quantile

MOST_LAG_SECONDS = 0.005
MOST_LAG_SHARE = 0.1
"""Of the median TTFT and of the ITL's p95: how late answers may be taken, where that is more.

A step of an engine hands hundreds of streams a token at once, and no client takes them at once.
"""
MOST_CPU_SHARE = 0.9


def client_figures(
    offered: Sequence[Record],
    cpu: Sequence[Sequence[tuple[float, float]]],
    lags: Sequence[Sequence[float]],
    window: Window,
) -> Client:
    """Return how the client did its work.

    `offered`: the requests of the window. `cpu`: by sender, CPU seconds used until a moment. `lags`: by
    sender, seconds late at each tick since the stage began.
    """
    begin, end = (math.ceil(moment / TICK_SECONDS) for moment in (window.start, window.end))
    return Client(
        send_lag_p99_seconds=_p99([record.sent - record.scheduled for record in offered]),
        loop_lag_p99_seconds=max((_p99(ticks[begin:end]) for ticks in lags), default=0.0),
        cpu_share=max((_cpu_share(samples, window) for samples in cpu), default=0.0),
    )


def why_invalid(
    client: Client, offered: Sequence[Record], ttft: Latency | None, itl: Latency | None
) -> list[str]:
    """Return why the figures of a stage must not be used; [] if they may.

    `offered`: the requests of the window. `ttft`, `itl`: what was measured, None where nothing was.
    """
    reasons = []
    if client.send_lag_p99_seconds > MOST_LAG_SECONDS:
        lag = f"{client.send_lag_p99_seconds * 1000:.1f} ms"
        reasons.append(f"the client was slow: 1 % of the requests were sent {lag} late or more")
    measured = [each.value for each in (ttft and ttft.p50, itl and itl.p95) if each]
    if client.loop_lag_p99_seconds > max(MOST_LAG_SECONDS, MOST_LAG_SHARE * min(measured, default=0.0)):
        lag = f"{client.loop_lag_p99_seconds * 1000:.1f} ms"
        reasons.append(f"the client was slow: for 1 % of the time a sender took what came {lag} late or more")
    if client.cpu_share > MOST_CPU_SHARE:
        reasons.append(f"the client was slow: a sender used {client.cpu_share:.0%} of a core")
    if unsent := sum(record.error == ErrorKind.CLIENT for record in offered):
        reasons.append(
            f"the client had no file descriptor, port or memory left for {unsent} of {len(offered)} "
            "requests: raise its limits (ulimit -n), or send less"
        )
    return reasons


def _p99(lags: Sequence[float]) -> float:
    return max(0.0, quantile(sorted(lags), 0.99)) if lags else 0.0


def _cpu_share(samples: Sequence[tuple[float, float]], window: Window) -> float:
    within = [sample for sample in samples if sample[0] in window]
    if len(within) < 2:
        return 0.0
    (begin, used_before), (end, used) = within[0], within[-1]
    return (used - used_before) / (end - begin)
