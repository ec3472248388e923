"""Parts of the server, in virtual time or with a clock that the test moves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from setpoint.simulator.engine import NEVER, Engine
from setpoint.simulator.http.metrics import Metrics
from setpoint.simulator.http.realtime import Clock, RealTimeReplica, Ticket
from setpoint.simulator.http.recorder import Recorder
from setpoint.simulator.http.series import Registry
from setpoint.simulator.http.verdicts import Verdicts
from setpoint.simulator.limits import EngineConfig
from setpoint.simulator.parameters import Parameters, built_in
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request
from setpoint.simulator.step import Step
from setpoint_vllm.limits_file import Objective

MODEL = {"model_name": "tiny", "engine": "0"}


INSTANT = replace(built_in("H100"), request_seconds=0.0, prompt_token_seconds=0.0, output_token_seconds=0.0)
"""An API server that takes no time."""


def engine_config(**changed: Any) -> EngineConfig:
    """A small engine."""
    return EngineConfig(
        **{"kv_blocks": 1000, "max_model_len": 512, "max_num_seqs": 8, "max_num_batched_tokens": 64} | changed
    )


class Values:
    """Reads the series of a registry."""

    def __init__(self, registry: Registry) -> None:
        self._collectors = CollectorRegistry()
        self._collectors.register(registry)

    def __call__(self, name: str, **labels: str) -> float:
        """A sample's value, with vLLM's labels where the name is vLLM's."""
        value = self.get(name, **labels)
        assert value is not None, f"{name} {labels} is not there"
        return value

    def get(self, name: str, **labels: str) -> float | None:
        """A sample's value, or None when there is no such sample."""
        return self._collectors.get_sample_value(name, (MODEL if name.startswith("vllm:") else {}) | labels)

    def zero_counters(self) -> set[str]:
        """The counters, with their labels other than MODEL's, that never counted."""
        return {
            " ".join([sample.name, *(value for name, value in sample.labels.items() if name not in MODEL)])
            for family in self._collectors.collect()
            for sample in family.samples
            if family.type == "counter" and sample.name.endswith("_total") and not sample.value
        }


class Observed:
    """An engine in virtual time behind an API server, and the recorder that observes both."""

    def __init__(
        self,
        step_seconds: Callable[[Step], float] = lambda _: 0.008,
        objectives: tuple[Objective, ...] = (),
        api_server_seconds: float = 0.0,
        **changed: Any,
    ) -> None:
        self.registry = Registry()
        self.metrics = Metrics(self.registry, "tiny", 512)
        self.verdicts = Verdicts(self.registry)
        self.verdicts.objectives = objectives
        self.engine = Engine(engine_config(**changed), lambda step: step_seconds(step))
        self.recorder = Recorder(self.engine.scheduler, self.metrics, self.verdicts)
        self._api_server_seconds = api_server_seconds
        self.value = Values(self.registry)
        self.requests: list[Request] = []

    def submit(
        self, prompt_tokens: int, output_tokens: int, *, at: float = 0.0, keys: tuple[int, ...] = ()
    ) -> Request:
        """Hand in a request whose client allowed as many tokens as it gets."""
        request = Request(prompt_tokens, output_tokens, keys)
        self.requests.append(request)
        self.engine.submit(request, at)
        return request

    def run(self) -> list[Step]:
        """Run until nothing is left to do; the steps."""
        steps = []
        while self.engine.step_ends_seconds != NEVER:
            step = self.engine.advance()
            steps.append(step)
            self.recorder.step(step)
            for request in step.first_tokens:
                self.recorder.first_token(self._ticket(request, step.ended_seconds))
            for request in step.finished:
                self.recorder.finished(self._ticket(request, step.ended_seconds))
        return steps

    def _ticket(self, request: Request, now: float) -> Ticket:
        arrived = request.submitted_seconds - self._api_server_seconds
        return Ticket(
            request,
            request.output_tokens,
            "length",
            ttft_seconds=(request.first_token_seconds or now) - arrived,
            e2e_seconds=now - arrived,
        )


class HandClock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.first: list[Ticket] = []
        self.ended: list[Ticket] = []
        self.lags: list[tuple[float, float]] = []

    def step(self, step: Step) -> None:
        """Keep it."""
        self.steps.append(step)

    def first_token(self, ticket: Ticket) -> None:
        """Keep it."""
        self.first.append(ticket)

    def finished(self, ticket: Ticket) -> None:
        """Keep it."""
        self.ended.append(ticket)

    def lag(self, seconds: float, given_up_seconds: float) -> None:
        """Keep them."""
        self.lags.append((seconds, given_up_seconds))


class Running:
    """A real-time replica, by a clock that the test moves unless it gives another."""

    def __init__(
        self,
        step_seconds: float = 1.0,
        monotonic: Callable[[], float] | None = None,
        api_server: Parameters = INSTANT,
        **changed: Any,
    ) -> None:
        self.clock = HandClock()
        self.told = Told()
        engine = Engine(engine_config(**changed), lambda _: step_seconds)
        self.replica = RealTimeReplica(
            Replica(engine, api_server),
            Clock(monotonic or self.clock),
            self.told,
        )
        self.delivered: list[int] = []

    def ask(self, prompt_tokens: int = 4, output_tokens: int = 3, *, stream: bool = True) -> Ticket:
        """Submit a request."""
        ticket = Ticket(
            Request(prompt_tokens, output_tokens),
            output_tokens,
            "length",
            self.delivered.append if stream else None,
        )
        self.replica.submit(ticket)
        return ticket

    def at(self, seconds: float) -> None:
        """Let it be that late, and the engine look at the clock."""
        self.clock.seconds = seconds
        self.replica.catch_up()
