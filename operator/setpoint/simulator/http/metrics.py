"""vLLM 0.32's metrics (v1/metrics/loggers.py): names, labels, types and buckets of a running engine."""

from collections.abc import Mapping

from setpoint.simulator.http.series import Counter, Gauge, Histogram, Registry

# fmt: off
REQUEST_SECONDS = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920,
                   7680)
FIRST_TOKEN_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
                       20, 40, 80, 160, 640, 2560)
TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
                 80)
ITERATION_TOKENS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
# fmt: on
FINISHED_REASONS = ("stop", "length", "abort", "error", "repetition")
REJECTED_REQS, REJECTED_TOKENS = "max_num_queued_reqs", "max_num_queued_tokens"


def buckets_1_2_5(largest: int) -> tuple[int, ...]:
    """1, 2, 5, 10, 20, ... up to `largest`: vLLM's buckets for token counts."""
    series = (digit * 10**exponent for exponent in range(len(str(largest))) for digit in (1, 2, 5))
    return tuple(value for value in series if value <= largest)


class Metrics:
    """One engine's series. What the simulator does not do (multi-modal input, KV transfer) stays at 0."""

    def __init__(self, registry: Registry, model_name: str, max_model_len: int) -> None:
        self.registry = registry
        self._engine = {"model_name": model_name, "engine": "0"}
        counter, gauge, histogram = self._counter, self._gauge, self._histogram
        for unit, text in (("flops", "Floating point operations"), ("read_bytes", "Bytes read"),
                           ("write_bytes", "Bytes written")):  # fmt: skip
            counter(f"estimated_{unit}_per_gpu", f"{text} per GPU; counted with --enable-mfu-metrics only")
        self.running = gauge("num_requests_running", "Requests in execution")
        self.waiting = gauge("num_requests_waiting", "Requests waiting to be processed")
        by_reason = ("num_requests_waiting_by_reason", "Waiting requests by what they wait for")
        self.waiting_for_capacity = gauge(*by_reason, reason="capacity")
        gauge(*by_reason, reason="deferred")
        for state in ("awake", "weights_offloaded", "discard_all"):
            sleeping = gauge("engine_sleep_state", "1 for the state that the engine is in", sleep_state=state)
            sleeping.value = float(state == "awake")
        self.kv_cache_usage = gauge("kv_cache_usage_perc", "Share of the KV cache in use, 1 for all")
        self.prefix_queries = counter("prefix_cache_queries", "Tokens looked up in the prefix cache")
        self.prefix_hits = counter("prefix_cache_hits", "Tokens found in the prefix cache")
        for cache in ("external_prefix_cache", "mm_cache"):
            counter(f"{cache}_queries", "Not simulated")
            counter(f"{cache}_hits", "Not simulated")
        self.preemptions = counter("num_preemptions", "Preemptions")
        self.prompt_tokens = counter("prompt_tokens", "Prompt tokens of requests that had their first token")
        by_source = ("prompt_tokens_by_source", "Prompt tokens by where their KV came from")
        self.prompt_computed = counter(*by_source, source="local_compute")
        self.prompt_hit = counter(*by_source, source="local_cache_hit")
        counter(*by_source, source="external_kv_transfer")
        self.prompt_cached = counter("prompt_tokens_cached", "Prompt tokens that were cached")
        by_tier = ("prompt_tokens_cached_by_source", "Cached prompt tokens by the tier that held them")
        self.prompt_cached_on_device = counter(*by_tier, source="device")
        for tier in ("host", "p2p", "disk", "external_unspecified"):
            counter(*by_tier, source=tier)
        self.generation_tokens = counter("generation_tokens", "Tokens generated")
        self.success = {
            reason: counter("request_success", "Finished requests", finished_reason=reason)
            for reason in FINISHED_REASONS
        }
        self.rejections = {
            reason: registry.counter(
                "vllm:admission_rejections",
                "Requests refused by a queue limit",
                model_name=model_name,
                reason=reason,
            )
            for reason in (REJECTED_REQS, REJECTED_TOKENS)
        }
        tokens = buckets_1_2_5(max_model_len)
        self.request_prompt_tokens = histogram("request_prompt_tokens", tokens)
        self.request_generation_tokens = histogram("request_generation_tokens", tokens)
        self.iteration_tokens = histogram("iteration_tokens_total", ITERATION_TOKENS)
        self.request_max_generation_tokens = histogram("request_max_num_generation_tokens", tokens)
        self.request_params_n = histogram("request_params_n", (1, 2, 5, 10, 20))
        self.request_params_max_tokens = histogram("request_params_max_tokens", tokens)
        self.time_to_first_token = histogram("time_to_first_token_seconds", FIRST_TOKEN_SECONDS)
        self.inter_token_latency = histogram("inter_token_latency_seconds", TOKEN_SECONDS)
        self.time_per_output_token = histogram("request_time_per_output_token_seconds", TOKEN_SECONDS)
        self.e2e_latency = histogram("e2e_request_latency_seconds", REQUEST_SECONDS)
        self.queue_time = histogram("request_queue_time_seconds", REQUEST_SECONDS)
        self.inference_time = histogram("request_inference_time_seconds", REQUEST_SECONDS)
        self.prefill_time = histogram("request_prefill_time_seconds", REQUEST_SECONDS)
        self.decode_time = histogram("request_decode_time_seconds", REQUEST_SECONDS)
        self.request_preemptions = histogram("request_num_preemptions", (1, 2, 3, 4, 5, 10, 20))
        self.request_computed_tokens = histogram("request_prefill_kv_computed_tokens", tokens)

    def tell_cache_config(self, config: Mapping[str, object]) -> None:
        """Show the KV cache's configuration, as labels of a gauge that is always 1."""
        labels = {"engine": "0", **{name: str(value) for name, value in config.items()}}
        self.registry.gauge("vllm:cache_config_info", "Configuration of the KV cache", **labels).value = 1.0

    def _counter(self, name: str, text: str, **labels: str) -> Counter:
        return self.registry.counter(f"vllm:{name}", text, **self._engine, **labels)

    def _gauge(self, name: str, text: str, **labels: str) -> Gauge:
        return self.registry.gauge(f"vllm:{name}", text, **self._engine, **labels)

    def _histogram(self, name: str, edges: tuple[float, ...]) -> Histogram:
        return self.registry.histogram(
            f"vllm:{name}", name.replace("_", " ").capitalize(), edges, **self._engine
        )
