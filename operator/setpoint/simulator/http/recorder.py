"""From what the engine does to vLLM's metrics, and to verdicts.

As vLLM counts (v1/metrics/stats.py and loggers.py): a request's prompt tokens count when its first token is
there; the tokens of an iteration are those prompts and what was generated in it; a request whose client left
counts in none of the series of finished requests.
"""

from setpoint.simulator.http.metrics import Metrics
from setpoint.simulator.http.realtime import Ticket
from setpoint.simulator.http.verdicts import Verdicts
from setpoint.simulator.request import Request
from setpoint.simulator.scheduler import Scheduler
from setpoint.simulator.step import Step
from setpoint_vllm.limits_file import Latency
from setpoint_vllm.step_times import SIZES, TOTALS, BySize

_STEPS = "setpoint_engine_step_totals"
_STEPS_TEXT = (
    "Steps of an engine rank since its start, their seconds and their tokens, by the most tokens of a step"
)
_LAG_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25)


class Recorder:
    """Observes one engine.

    As in vLLM, TTFT and end to end are those of the API server, all other times those of the engine core.
    """

    def __init__(self, scheduler: Scheduler, metrics: Metrics, verdicts: Verdicts) -> None:
        self._scheduler = scheduler
        self._metrics = metrics
        self._verdicts = verdicts
        self._queries = self._hits = 0
        self._steps = BySize()
        self._steps_shown = [
            [
                metrics.registry.gauge(_STEPS, _STEPS_TEXT, engine="0", up_to=size, total=total)
                for total in TOTALS
            ]
            for size in SIZES
        ]
        self._lag = metrics.registry.histogram(
            "setpoint_simulator_lag_seconds", "How late the tokens of a step went out", _LAG_SECONDS
        )
        self._given_up = metrics.registry.counter(
            "setpoint_simulator_given_up_seconds", "Simulated time given up because this machine was too slow"
        )

    def step(self, step: Step) -> None:
        """Count a complete step."""
        metrics = self._metrics
        prompts = sum(request.prompt_tokens for request in step.first_tokens)
        metrics.iteration_tokens.observe(prompts + step.generated)
        self._steps.count(step.tokens, step.seconds)
        metrics.generation_tokens.add(step.generated)
        metrics.preemptions.add(len(step.preempted))
        metrics.prefix_queries.add(self._scheduler.prefix_cache_queries - self._queries)
        metrics.prefix_hits.add(self._scheduler.prefix_cache_hits - self._hits)
        self._queries, self._hits = self._scheduler.prefix_cache_queries, self._scheduler.prefix_cache_hits
        if step.decoding:
            self._gap(step.gap_seconds, step.decoding)
        for seconds in step.late_gaps_seconds:
            self._gap(seconds)

    def first_token(self, ticket: Ticket) -> None:
        """Count a request whose prompt is done."""
        metrics, request = self._metrics, ticket.request
        metrics.time_to_first_token.observe(ticket.ttft_seconds)
        self._verdicts.latency(Latency.TTFT, ticket.ttft_seconds)
        metrics.prompt_tokens.add(request.prompt_tokens)
        metrics.prompt_computed.add(request.prompt_tokens - request.cached_prompt_tokens)
        for hits in (metrics.prompt_hit, metrics.prompt_cached, metrics.prompt_cached_on_device):
            hits.add(request.cached_prompt_tokens)

    def finished(self, ticket: Ticket) -> None:
        """Count a request that was answered to its end."""
        metrics, request = self._metrics, ticket.request
        submitted, admitted, first, last = _stages(request)
        gaps = request.output_tokens - 1
        mean_gap = (last - first) / gaps if gaps else 0.0
        metrics.success[ticket.finish_reason].add()
        metrics.queue_time.observe(admitted - submitted)
        metrics.prefill_time.observe(first - admitted)
        metrics.decode_time.observe(last - first)
        metrics.inference_time.observe(last - admitted)
        metrics.e2e_latency.observe(ticket.e2e_seconds)
        metrics.time_per_output_token.observe(mean_gap)
        metrics.request_prompt_tokens.observe(request.prompt_tokens)
        metrics.request_generation_tokens.observe(request.output_tokens)
        metrics.request_max_generation_tokens.observe(request.output_tokens)
        metrics.request_params_n.observe(1)
        metrics.request_params_max_tokens.observe(ticket.max_tokens)
        metrics.request_preemptions.observe(request.preemptions)
        metrics.request_computed_tokens.observe(request.prompt_tokens - request.cached_prompt_tokens)
        self._verdicts.finished(ticket.ttft_seconds, mean_gap)

    def lag(self, seconds: float, given_up_seconds: float) -> None:
        """Note how late a step is told."""
        self._lag.observe(seconds)
        self._given_up.add(given_up_seconds)

    def refresh(self) -> None:
        """Set the gauges to what holds now."""
        scheduler, metrics = self._scheduler, self._metrics
        metrics.running.value = len(scheduler.running)
        metrics.waiting.value = metrics.waiting_for_capacity.value = len(scheduler.waiting)
        metrics.kv_cache_usage.value = 1 - scheduler.blocks.free / scheduler.blocks.total
        for gauges, row in zip(self._steps_shown, self._steps.rows, strict=True):
            for gauge, value in zip(gauges, row, strict=True):
                gauge.value = value

    def _gap(self, seconds: float, count: int = 1) -> None:
        self._metrics.inter_token_latency.observe(seconds, count)
        self._verdicts.latency(Latency.ITL, seconds, count)


def _stages(request: Request) -> tuple[float, float, float, float]:
    """When it was submitted, admitted, had its first and its last token; 0 for what is not yet."""
    return (
        request.submitted_seconds,
        request.admitted_seconds or 0.0,
        request.first_token_seconds or 0.0,
        request.finished_seconds or 0.0,
    )
