"""The engines: for each the container that runs it, as plain data, and what a service may not ask of it.

An engine knows nothing of Deployments or Ray: orchestrations take its container and build pods around it.
"""

from typing import Protocol

from setpoint.api.inferenceservice import EngineType, InferenceService
from setpoint.engines import vllm
from setpoint.engines.container import EngineContainer
from setpoint.faults import Fault
from setpoint.settings import Settings


class Engine(Protocol):
    """What each engine's module offers."""

    def container(
        self, service: InferenceService, settings: Settings, *, takes_plugin: bool
    ) -> EngineContainer:
        """Return the container that serves the model, with the plugin switched on where it is there."""
        ...

    def faults(self, service: InferenceService) -> list[Fault]:
        """Return what the service asks that this engine cannot be given."""
        ...


_ENGINES: dict[EngineType, Engine] = {EngineType.VLLM: vllm}


def engine_of(service: InferenceService) -> Engine:
    """Return the engine that serves the model."""
    return _ENGINES[service.spec.engine.type]
