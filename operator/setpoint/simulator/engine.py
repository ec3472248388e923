"""An engine over time: a scheduler whose steps take as long as a model of a GPU says."""

from collections.abc import Callable

from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.request import Request
from setpoint.simulator.scheduler import Scheduler
from setpoint.simulator.step import Step

NEVER = float("inf")


class Shed(Exception):  # noqa: N818 - it is no error of the caller
    """A request that was refused for a queue limit, which `str` names as vLLM's metric does."""


class Engine:
    """One replica's engine core. Times are seconds on the caller's clock, and never go back.

    The caller owns the clock: it calls `advance` when `step_ends_seconds` has come, in virtual time at once.
    """

    def __init__(
        self, config: EngineConfig, step_seconds: Callable[[Step], float], ready_seconds: float = 0.0
    ) -> None:
        self.scheduler = Scheduler(config)
        self.ready_seconds = ready_seconds
        """When its start-up ends; what is submitted before waits."""
        self.step_ends_seconds = NEVER
        """When the step that runs now ends; never, while there is nothing to do."""
        self._step_seconds = step_seconds
        self._depth = 2 if config.async_scheduling else 1

    def submit(self, request: Request, now: float) -> None:
        """Take in a new request.

        Raises Shed when a queue limit is reached, TooLongError when it can never run; the request is then as
        it was.
        """
        scheduler, limits = self.scheduler, self.scheduler.limits
        scheduler.config.check_fits(request)
        unfinished = len(scheduler.running) + len(scheduler.waiting)
        if limits.max_num_queued_reqs is not None and unfinished >= limits.max_num_queued_reqs:
            raise Shed("max_num_queued_reqs")
        most_tokens = limits.max_num_queued_tokens
        if most_tokens is not None and scheduler.queued_tokens >= most_tokens:
            raise Shed("max_num_queued_tokens")
        scheduler.add(request, now)
        self._fill(now)

    def cancel(self, request: Request) -> None:
        """Drop a request whose client has left."""
        self.scheduler.cancel(request)

    def set_limits(self, limits: Limits) -> Limits:
        """Keep to `limits` from the next step on, as far as the start allows; return what is in force."""
        scheduler = self.scheduler
        scheduler.limits = limits.clamped(scheduler.config, len(scheduler.running))
        return scheduler.limits

    def resume(self, now: float) -> None:
        """Begin a step if none runs: after `scheduler.limits` let nothing be admitted, and do again."""
        self._fill(now)

    def advance(self) -> Step:
        """End the step that runs, at `step_ends_seconds`, and begin the next; return what it brought."""
        now = self.step_ends_seconds
        step = self.scheduler.complete(now)
        in_flight = self.scheduler.in_flight
        if in_flight:
            self._begin(in_flight[0], now)
        else:
            self.step_ends_seconds = NEVER
        self._fill(now)
        return step

    def _fill(self, now: float) -> None:
        """Schedule as far ahead as the engine does."""
        now = max(now, self.ready_seconds)
        in_flight = self.scheduler.in_flight
        while len(in_flight) < self._depth and (step := self.scheduler.schedule(now)):
            step.seconds = self._step_seconds(step)
            if len(in_flight) == 1:
                self._begin(step, now)

    def _begin(self, step: Step, now: float) -> None:
        self.step_ends_seconds = now + step.seconds
