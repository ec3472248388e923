"""Which tokens and sequences kept the promise, counted exactly (vllm.stat_logger_plugins).

vLLM hands each API server the raw latencies of the requests that this server took in: counted here, they are
counted once. Objectives come from the limits file and may change at any time; the next token is then judged
by the new ones.

A sequence is good when its own time to first token and its own mean gap meet every objective. Its first token
as this server saw it is its whole time (by the server's clock) less its decode time (by the engine's).
"""

import logging
from typing import Any

from vllm.v1.metrics.loggers import AggregateStatLoggerBase

from setpoint_vllm import metrics, state
from setpoint_vllm.limits_file import Latency, Objective

_log = logging.getLogger("vllm.setpoint")


class Verdicts(AggregateStatLoggerBase):  # type: ignore[misc]
    """An aggregate logger: vLLM makes one in each API server, for all ranks."""

    def __init__(self, vllm_config: Any, engine_indexes: list[int]) -> None:
        """Keep nothing: what is judged comes with each record."""

    def log_engine_initialized(self) -> None:
        """There is nothing to say."""

    def record(
        self, scheduler_stats: Any, iteration_stats: Any, mm_cache_stats: Any = None, engine_idx: int = 0
    ) -> None:
        """Judge what one step of an engine gave. Never raises: that would end vLLM's output handler."""
        try:
            if iteration_stats is not None:
                judge(iteration_stats, state.believed.objectives)
        except Exception:
            _log.exception("a step's verdicts are lost")


def judge(iteration: Any, objectives: tuple[Objective, ...]) -> None:
    """Count the verdicts on a vllm.v1.metrics.stats.IterationStats."""
    for objective in objectives:
        first = objective.latency is Latency.TTFT
        seen = iteration.time_to_first_tokens_iter if first else iteration.inter_token_latencies_iter
        if seen:
            bad = sum(seconds > objective.threshold_seconds for seconds in seen)
            metrics.LATENCIES.labels(objective.name, "bad").inc(bad)
            metrics.LATENCIES.labels(objective.name, "good").inc(len(seen) - bad)
    for sequence in iteration.finished_requests:
        metrics.REQUESTS.labels(*verdict(sequence, objectives)).inc()


def verdict(sequence: Any, objectives: tuple[Objective, ...]) -> tuple[str, str]:
    """Verdict and reason of a vllm.v1.metrics.stats.FinishedRequestStats."""
    if str(sequence.finish_reason) in {"abort", "error"}:
        return "bad", "failed"
    seen = {
        Latency.TTFT: sequence.e2e_latency - sequence.decode_time,
        Latency.ITL: sequence.mean_time_per_output_token,
    }
    late = any(seen[objective.latency] > objective.threshold_seconds for objective in objectives)
    return ("bad", "late") if late else ("good", "")
