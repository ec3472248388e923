"""What the plugin shows on the engine's own /metrics.

With several API servers vLLM sets PROMETHEUS_MULTIPROC_DIR: /metrics then adds the counters of all of them,
and shows the gauge that was set last.
"""

from prometheus_client import Counter, Gauge

LATENCIES = Counter("setpoint_tokens", "Latencies by objective and verdict", ["objective", "verdict"])
"""Each time to a first token and each gap between tokens, by an objective of its kind."""
REQUESTS = Counter("setpoint_requests", "Sequences and requests by verdict", ["verdict", "reason"])
"""Each sequence that ended (late or not), and each HTTP request that was shed, failed, or cut."""
LIMIT = Gauge(
    "setpoint_engine_limit",
    "Limit in force in an engine rank",
    ["engine", "limit"],
    multiprocess_mode="mostrecent",
)
"""Infinite where there is none (longPrefill, queuedReqs, queuedTokens)."""
START = Gauge(
    "setpoint_engine_limit_start",
    "Limit with which an engine rank was started",
    ["engine", "limit"],
    multiprocess_mode="mostrecent",
)
GENERATION = Gauge(
    "setpoint_engine_limit_generation",
    "Generation of the limits in force in an engine rank, by who wrote them; the highest counts",
    ["engine", "writer"],
    multiprocess_mode="mostrecent",
)
CONFIRMED = Gauge(
    "setpoint_engine_limit_confirmed_timestamp_seconds",
    "Unix time at which an engine rank last told its limits",
    ["engine"],
    multiprocess_mode="mostrecent",
)
"""What has not been confirmed for a while is not known to be in force."""
SUPPORTED = Gauge(
    "setpoint_engine_limits_supported",
    "Whether the limits of this engine can be moved; the log says why not",
    multiprocess_mode="mostrecent",
)
STEPS = Gauge(
    "setpoint_engine_step_totals",
    "Steps of an engine rank since its start, their seconds and their tokens, by the most tokens of a step",
    ["engine", "up_to", "total"],
    multiprocess_mode="mostrecent",
)
"""Counted in the engine core, so that each API server tells the same: no counter, which would be added up.
One metric, since the tuner asks Prometheus once for each."""
for verdict, reason in (("good", ""), ("bad", "late"), ("bad", "shed"), ("bad", "failed"), ("cut", "")):
    REQUESTS.labels(verdict, reason)
