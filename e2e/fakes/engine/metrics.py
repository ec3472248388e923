"""The metrics of vLLM that the stand-in can count, under vLLM 0.32's names, labels and buckets."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# fmt: off
_REQUEST_SECONDS = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920,
                    7680)
_FIRST_TOKEN_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
                        20, 40, 80, 160, 640, 2560)
_TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
                  80)
# fmt: on
_FINISHED_REASONS = ("stop", "length", "abort", "error", "repetition")


class Metrics:
    """One engine's metrics. Counted where the thing happens, none derived from another."""

    def __init__(self, model_name: str, max_model_len: int) -> None:
        self.registry = CollectorRegistry()
        self._labels = {"model_name": model_name, "engine": "0"}
        self.running = self._gauge("num_requests_running", "Requests in execution")
        self.waiting = self._gauge("num_requests_waiting", "Requests waiting to be processed")
        self.prompt_tokens = self._counter("prompt_tokens", "Prefill tokens processed")
        self.generation_tokens = self._counter("generation_tokens", "Generation tokens processed")
        self._success = Counter(
            "vllm:request_success",
            "Finished requests",
            [*self._labels, "finished_reason"],
            registry=self.registry,
        )
        for reason in _FINISHED_REASONS:
            self._success.labels(**self._labels, finished_reason=reason)
        self.rejections = Counter(
            "vllm:admission_rejections",
            "Requests refused by a queue limit",
            ["model_name", "reason"],
            registry=self.registry,
        ).labels(model_name=model_name, reason="max_num_queued_reqs")
        tokens = buckets_1_2_5(max_model_len)
        self.request_prompt_tokens = self._histogram("request_prompt_tokens", tokens)
        self.request_generation_tokens = self._histogram("request_generation_tokens", tokens)
        self.request_params_max_tokens = self._histogram("request_params_max_tokens", tokens)
        self.time_to_first_token = self._histogram("time_to_first_token_seconds", _FIRST_TOKEN_SECONDS)
        self.inter_token_latency = self._histogram("inter_token_latency_seconds", _TOKEN_SECONDS)
        self.time_per_output_token = self._histogram("request_time_per_output_token_seconds", _TOKEN_SECONDS)
        self.e2e_latency = self._histogram("e2e_request_latency_seconds", _REQUEST_SECONDS)
        self.queue_time = self._histogram("request_queue_time_seconds", _REQUEST_SECONDS)
        self.inference_time = self._histogram("request_inference_time_seconds", _REQUEST_SECONDS)
        self.prefill_time = self._histogram("request_prefill_time_seconds", _REQUEST_SECONDS)
        self.decode_time = self._histogram("request_decode_time_seconds", _REQUEST_SECONDS)

    def finished(self, reason: str) -> None:
        """Count one finished request: "stop", "length" or "abort"."""
        self._success.labels(**self._labels, finished_reason=reason).inc()

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"vllm:{name}", text, list(self._labels), registry=self.registry).labels(**self._labels)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"vllm:{name}", text, list(self._labels), registry=self.registry).labels(
            **self._labels
        )

    def _histogram(self, name: str, buckets: tuple[float, ...]) -> Histogram:
        text = name.replace("_", " ").capitalize()
        histogram = Histogram(
            f"vllm:{name}", text, list(self._labels), registry=self.registry, buckets=buckets
        )
        return histogram.labels(**self._labels)


def buckets_1_2_5(largest: int) -> tuple[float, ...]:
    """1, 2, 5, 10, 20, ... up to `largest`: vLLM's buckets for token counts."""
    series = (digit * 10**exponent for exponent in range(len(str(largest))) for digit in (1, 2, 5))
    return tuple(value for value in series if value <= largest)
