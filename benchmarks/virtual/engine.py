"""One simulated engine whose counters are those that vLLM and the plugin would show."""

from setpoint.signals.reading import Counters, RankLimits, Reading, Steps
from setpoint.simulator.engine import Engine
from setpoint.simulator.experiment import Service
from setpoint.simulator.limits import Limits
from setpoint.simulator.step import Step
from setpoint.tuner.knobs import Start
from setpoint_vllm.limits_file import Limit, parse
from setpoint_vllm.step_times import SIZES, BySize


def start_of(service: Service) -> Start:
    """Return the limits that the engines of a service are started with."""
    return Start(service.limits.max_num_scheduled_tokens, service.limits.max_num_active_seqs)


class VirtualEngine:
    """An engine, what it has counted, and the limits file that it keeps to."""

    def __init__(self, service: Service, ready_seconds: float = 0.0) -> None:
        """Until `ready_seconds` it starts up."""
        self.engine = Engine(service.config, self._step_seconds, ready_seconds)
        self.engine.set_limits(service.limits)
        self._service_step_seconds = service.step_seconds
        self._start = start_of(service)
        self._generation = 0
        self._writer = ""
        self.prompt_tokens = 0.0
        self.generation_tokens = 0.0
        self.by_size = BySize()
        self.slowness = 1.0
        """How many times as long a step takes as the service's engines need for it."""

    def _step_seconds(self, step: Step) -> float:
        self.prompt_tokens += sum(request.prompt_tokens for request in step.completing)
        self.generation_tokens += step.generated
        seconds = self.slowness * self._service_step_seconds(step)
        self.by_size.count(step.tokens, seconds)
        return seconds

    def tell(self, now: float, file_text: str) -> dict[Limit, int]:
        """Put what is wanted into force, by the plugin's own reading of the limits file, lease and all.

        Return what is wanted, start values included; requests that run may hold off a smaller budget.
        """
        file = parse(file_text)
        wanted = {Limit.TOKENS: self._start.tokens, Limit.SEQS: self._start.seqs, **file.wanted(now)}
        self._generation, self._writer = file.generation, file.writer
        self.engine.set_limits(
            Limits(
                wanted[Limit.SEQS],
                wanted[Limit.TOKENS],
                max_num_queued_tokens=wanted.get(Limit.QUEUED_TOKENS),
            )
        )
        return wanted

    def rank(self) -> RankLimits:
        """What the plugin would show."""
        in_force = self.engine.scheduler.limits
        shown = {Limit.TOKENS: in_force.max_num_scheduled_tokens, Limit.SEQS: in_force.max_num_active_seqs}
        if in_force.max_num_queued_tokens is not None:
            shown[Limit.QUEUED_TOKENS] = in_force.max_num_queued_tokens
        start = {Limit.TOKENS: self._start.tokens, Limit.SEQS: self._start.seqs}
        return RankLimits(self._generation, self._writer, shown, start)

    def reading(self, now: float) -> Reading:
        """What is read of it, without a verdict on any request."""
        scheduler = self.engine.scheduler
        counters = Counters(
            prompt_tokens=self.prompt_tokens,
            generation_tokens=self.generation_tokens,
            preemptions=scheduler.preemptions,
            steps_by_size={
                float(size): Steps(*row) for size, row in zip(SIZES, self.by_size.rows, strict=True)
            },
        )
        return Reading(
            at_seconds=now,
            counters=counters,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting),
            kv_cache_usage=1 - scheduler.blocks.free / scheduler.blocks.total,
            ranks={"0": self.rank()},
            supported=True,
        )
