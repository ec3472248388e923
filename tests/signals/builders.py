"""What a small engine tells, with defaults: as text, as series, and as a reading."""

from collections.abc import Mapping
from typing import Any

from setpoint.signals.reading import Counters, Judged, RankLimits, Reading
from setpoint.signals.series import Series
from setpoint_vllm.limits_file import Limit

EXPOSITION = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="tiny"} 54681.0
vllm:prompt_tokens_created{engine="0",model_name="tiny"} 1.795466461231707e+09
vllm:generation_tokens_total{engine="0",model_name="tiny"} 35427.0
vllm:num_preemptions_total{engine="0",model_name="tiny"} 2.0
# TYPE vllm:iteration_tokens_total histogram
vllm:iteration_tokens_total_bucket{engine="0",le="256.0",model_name="tiny"} 4636.0
vllm:iteration_tokens_total_bucket{engine="0",le="512.0",model_name="tiny"} 4652.0
vllm:iteration_tokens_total_bucket{engine="0",le="+Inf",model_name="tiny"} 4652.0
vllm:iteration_tokens_total_count{engine="0",model_name="tiny"} 4652.0
vllm:iteration_tokens_total_sum{engine="0",model_name="tiny"} 90108.0
setpoint_engine_step_totals{engine="0",total="steps",up_to="256"} 4600.0
setpoint_engine_step_totals{engine="0",total="seconds",up_to="256"} 46.5
setpoint_engine_step_totals{engine="0",total="tokens",up_to="256"} 80000.0
setpoint_engine_step_totals{engine="0",total="steps",up_to="+Inf"} 2.0
setpoint_engine_step_totals{engine="0",total="seconds",up_to="+Inf"} 0.5
setpoint_engine_step_totals{engine="0",total="tokens",up_to="+Inf"} 20000.0
setpoint_engine_step_totals{engine="0",total="steps",up_to="512"} 2.0
setpoint_requests_total{reason="",verdict="good"} 400.0
setpoint_requests_total{reason="late",verdict="bad"} 20.0
setpoint_requests_total{reason="shed",verdict="bad"} 7.0
setpoint_requests_total{reason="failed",verdict="bad"} 1.0
setpoint_requests_total{reason="",verdict="cut"} 2.0
setpoint_tokens_total{objective="ttft",verdict="good"} 415.0
setpoint_tokens_total{objective="ttft",verdict="bad"} 5.0
setpoint_engine_limit{engine="0",limit="tokens"} 512.0
setpoint_engine_limit{engine="0",limit="seqs"} 256.0
setpoint_engine_limit{engine="0",limit="queuedTokens"} +Inf
setpoint_engine_limit_start{engine="0",limit="tokens"} 8192.0
setpoint_engine_limit_start{engine="0",limit="seqs"} 256.0
setpoint_engine_limit_start{engine="0",limit="queuedTokens"} +Inf
setpoint_engine_limit_generation{engine="0",writer="me"} 3.0
setpoint_engine_limits_supported 1.0
"""


def needed(rank: str = "0", **values: float) -> list[Series]:
    """The samples without which an engine is none."""
    names = {
        "vllm:num_requests_running": 3.0,
        "vllm:num_requests_waiting": 1.0,
        "vllm:kv_cache_usage_perc": 0.25,
        "vllm:prompt_tokens_total": 1000.0,
        "vllm:generation_tokens_total": 500.0,
        "vllm:num_preemptions_total": 0.0,
    }
    for short, value in values.items():
        (name,) = (each for each in names if short in each)
        names[name] = value
    return [Series(name, {"engine": rank, "model_name": "tiny"}, value) for name, value in names.items()]


def verdicts() -> list[Series]:
    """The counts of requests, as the plugin shows them from the start."""
    kinds = (("good", ""), ("bad", "late"), ("bad", "shed"), ("bad", "failed"), ("cut", ""))
    return [
        sample("setpoint_requests_total", 0.0, verdict=verdict, reason=reason) for verdict, reason in kinds
    ]


def sample(name: str, value: float, **labels: str) -> Series:
    """One sample."""
    return Series(name, labels, value)


def a_rank(
    generation: int = 1,
    writer: str = "me",
    *,
    in_force: Mapping[Limit, int] | None = None,
    start: Mapping[Limit, int] | None = None,
    **more: Any,
) -> RankLimits:
    """A rank started with 8192 tokens and 1024 sequences, and at them."""
    start = {Limit.TOKENS: 8192, Limit.SEQS: 1024} if start is None else start
    return RankLimits(generation, writer, {**start, **(in_force or {})}, start, **more)


def a_reading(
    at_seconds: float = 0.0, ranks: Mapping[str, RankLimits] | None = None, **values: Any
) -> Reading:
    """An engine; `values` are those of its counters, or of the reading itself."""
    of_reading = {
        name: values.pop(name, default)
        for name, default in (
            ("running", 3.0), ("waiting", 0.0), ("kv_cache_usage", 0.25), ("supported", True),
        )
    }  # fmt: skip
    return Reading(
        at_seconds=at_seconds,
        counters=Counters(**values),
        ranks={"0": a_rank()} if ranks is None else ranks,
        **of_reading,
    )


def judged(**objectives: tuple[float, float]) -> dict[str, Judged]:
    """Good and bad latencies by objective."""
    return {name: Judged(*counts) for name, counts in objectives.items()}
