"""What the metrics say of a simulation whose every time is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_vllm.limits_file import Latency, Objective
from tests.simulator.http.builders import Observed

NOT_SIMULATED = {
    "vllm:estimated_flops_per_gpu_total",
    "vllm:estimated_read_bytes_per_gpu_total",
    "vllm:estimated_write_bytes_per_gpu_total",
    "vllm:external_prefix_cache_hits_total",
    "vllm:external_prefix_cache_queries_total",
    "vllm:mm_cache_hits_total",
    "vllm:mm_cache_queries_total",
    "vllm:prompt_tokens_by_source_total external_kv_transfer",
    "vllm:prompt_tokens_cached_by_source_total disk",
    "vllm:prompt_tokens_cached_by_source_total external_unspecified",
    "vllm:prompt_tokens_cached_by_source_total host",
    "vllm:prompt_tokens_cached_by_source_total p2p",
    "vllm:request_success_total abort",
    "vllm:request_success_total error",
    "vllm:request_success_total repetition",
}
"""Series that are there and stay at 0: MFU counters without their flag, KV transfer and offloading, images,
and the ends of a request that vLLM does not count either when a client leaves or its engine dies."""
COUNTED_ELSEWHERE = {
    "vllm:admission_rejections_total max_num_queued_reqs",
    "vllm:admission_rejections_total max_num_queued_tokens",
    "vllm:request_success_total stop",
    "setpoint_simulator_given_up_seconds_total",
    "setpoint_requests_total bad failed",
    "setpoint_requests_total bad late",
    "setpoint_requests_total bad shed",
    "setpoint_requests_total cut ",
}
"""By the door, by the kind of request, and by the clock: other tests hold them."""


def test_the_times_of_a_request_are_those_of_the_simulation() -> None:
    observed = Observed(max_num_seqs=1)
    observed.submit(10, 5)
    observed.submit(10, 2)
    observed.run()
    sums = {
        part: observed.value(f"vllm:request_{part}_time_seconds_sum")
        for part in ("queue", "prefill", "decode", "inference")
    }
    # The first runs for 5 steps of 8 ms; the second, scheduled a step ahead, waits for them.
    first, second = observed.requests
    assert sums["decode"] == pytest.approx(5 * 0.008)
    assert sums["queue"] == pytest.approx(second.admitted_seconds)
    assert sums["inference"] == pytest.approx(sums["prefill"] + sums["decode"])
    assert observed.value("vllm:e2e_request_latency_seconds_sum") == pytest.approx(
        (first.finished_seconds or 0) + (second.finished_seconds or 0)
    )
    assert observed.value("vllm:inter_token_latency_seconds_bucket", le="0.01") == 5
    assert observed.value("vllm:request_time_per_output_token_seconds_sum") == pytest.approx(2 * 0.008)


def test_first_token_and_whole_answer_are_timed_from_the_door_of_the_api_server() -> None:
    observed = Observed(api_server_seconds=0.01)
    request = observed.submit(10, 5)
    observed.run()
    assert observed.value("vllm:time_to_first_token_seconds_sum") == pytest.approx(
        0.01 + (request.first_token_seconds or 0)
    )
    assert observed.value("vllm:e2e_request_latency_seconds_sum") == pytest.approx(
        0.01 + (request.finished_seconds or 0)
    )
    assert observed.value("vllm:request_queue_time_seconds_sum") == 0


def test_an_iteration_counts_the_prompts_it_finished_and_what_it_generated() -> None:
    observed = Observed(max_num_batched_tokens=8)
    observed.submit(20, 3)  # chunks of 8, 8 and 4
    observed.run()
    assert observed.value("vllm:iteration_tokens_total_sum") == 20 + 3
    assert observed.value("vllm:iteration_tokens_total_count") == 5


def test_what_the_prefix_cache_holds_counts_as_a_hit_and_is_not_computed() -> None:
    observed = Observed()
    observed.submit(40, 1, keys=(1, 2))
    observed.run()
    observed.submit(40, 1, at=1.0, keys=(1, 2))
    observed.run()
    assert observed.value("vllm:prefix_cache_queries_total") == 80
    assert observed.value("vllm:prefix_cache_hits_total") == 32
    assert observed.value("vllm:prompt_tokens_total") == 80
    assert observed.value("vllm:prompt_tokens_by_source_total", source="local_compute") == 48
    assert observed.value("vllm:prompt_tokens_cached_total") == 32
    assert observed.value("vllm:request_prefill_kv_computed_tokens_sum") == 48


def test_gauges_show_who_runs_and_waits_and_how_full_the_cache_is() -> None:
    observed = Observed(max_num_seqs=1, kv_blocks=32)
    observed.submit(16, 5)
    observed.submit(16, 5)
    observed.recorder.refresh()
    assert observed.value("vllm:num_requests_running") == 1
    assert observed.value("vllm:num_requests_waiting") == 1
    assert observed.value("vllm:num_requests_waiting_by_reason", reason="capacity") == 1
    assert observed.value("vllm:kv_cache_usage_perc") == pytest.approx(2 / 32)
    observed.run()
    observed.recorder.refresh()
    assert observed.value("vllm:kv_cache_usage_perc") == 0


def test_what_is_not_simulated_is_named_and_all_else_counts() -> None:
    objective = Objective("first-token", Latency.TTFT, 1.0)
    observed = Observed(kv_blocks=33, objectives=(objective,))
    for _ in range(8):
        observed.submit(40, 60, keys=(1, 2))
    observed.run()
    assert observed.value("vllm:num_preemptions_total")
    assert observed.value("vllm:request_num_preemptions_sum") == observed.value("vllm:num_preemptions_total")
    assert observed.value.zero_counters() - COUNTED_ELSEWHERE == NOT_SIMULATED
    print(*sorted(NOT_SIMULATED), sep="\n")  # noqa: T201


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(2, 6),
    st.integers(32, 40),
)
def test_whatever_is_preempted_or_chunked_every_token_is_counted_once(
    asked: list[tuple[int, int, int]], seqs: int, blocks: int
) -> None:
    observed = Observed(max_num_seqs=seqs, max_num_batched_tokens=16, kv_blocks=blocks)
    for prompt, output, prefix in asked:
        observed.submit(prompt, output, keys=tuple(range(prefix)))
    observed.run()
    requests = observed.requests
    generated = sum(request.output_tokens for request in requests)
    assert observed.value("vllm:generation_tokens_total") == generated
    assert observed.value("vllm:inter_token_latency_seconds_count") == generated - len(requests)
    gaps = sum((request.finished_seconds or 0) - (request.first_token_seconds or 0) for request in requests)
    assert observed.value("vllm:inter_token_latency_seconds_sum") == pytest.approx(gaps)
    assert observed.value("vllm:time_to_first_token_seconds_count") == len(requests)
    assert observed.value("vllm:request_success_total", finished_reason="length") == len(requests)
    assert observed.value("vllm:prompt_tokens_total") == sum(request.prompt_tokens for request in requests)
