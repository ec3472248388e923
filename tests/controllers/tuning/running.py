"""A service whose engine a test speaks for, with operator and tuner, on a real API server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from setpoint.controllers.tuning.controller import TuningController
from setpoint.kube.client import KubeClient
from setpoint.kube.objects import Object
from setpoint.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, PODS, TUNING_CHECKPOINTS
from setpoint_vllm.limits_file import parse
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.running import Operator, operator
from tests.controllers.inferenceservice.users import NAME, change, create, pod_is_routable, service, told
from tests.controllers.tuning.engines import FakeEngine

SLO = {"objectives": [{"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "30ms"}]}
CYCLE_SECONDS = 15.0
SWITCH = "setpoint-tuning"


@dataclass
class Tuned:
    """A service whose engine a test speaks for, and its tuner."""

    kube: KubeClient
    running: Operator
    service: Object
    engine: FakeEngine
    tuner: TuningController

    async def cycles(self, number: int, *, bad_share: float = 0.0) -> None:
        """Let the engine serve and the tuner look, so often."""
        for _ in range(number):
            await self.running.quiet()
            await self._engine_follows()
            self.engine.serve(CYCLE_SECONDS, bad_share=bad_share)
            await self.tuner.cycle()
        await self.running.quiet()

    async def _engine_follows(self) -> None:
        pod = await self.kube.get(PODS, self.engine.namespace, self.engine.pod)
        assert pod is not None
        text = pod["metadata"]["annotations"].get("setpoint.dev/limits")
        if text:
            self.engine.told = parse(text)

    async def change(self, **spec: object) -> None:
        """Change whole fields of the spec as a user would; the operator has seen it."""
        self.service = await change(self.kube, self.service, **spec)
        await self.running.has_seen(INFERENCE_SERVICES, self.service["metadata"]["resourceVersion"])

    async def restart(self) -> None:
        """A tuner that knows nothing but what is stored."""
        self.tuner = tuner_of(self.running, self.engine)

    async def checkpoint(self) -> Object | None:
        return await self.kube.get(TUNING_CHECKPOINTS, self.engine.namespace, NAME)


def tuner_of(running: Operator, engine: FakeEngine) -> TuningController:
    manager = running.manager
    return TuningController(
        running.client,
        manager._informers,
        engine.look,
        clock=lambda: engine.now,
        interval_seconds=CYCLE_SECONDS,
        kill_switch=(engine.namespace, SWITCH),
    )


@asynccontextmanager
async def tuned(
    api_server: ApiServer, kube: KubeClient, namespace: str, mode: str = "Auto"
) -> AsyncIterator[Tuned]:
    """Run operator and tuner on a service that promises 30 ms between tokens and has one engine."""
    async with operator(api_server, namespace) as running:
        created = await create(kube, service(namespace, slo=SLO, tuning={"mode": mode}))

        async def has_deployment() -> bool:
            return await kube.get(CONFIG_MAPS, namespace, f"{NAME}-limits") is not None

        await until(has_deployment)
        await running.quiet()
        await pod_is_routable(kube, namespace)

        async def is_told() -> bool:
            return bool(await told(kube, namespace))

        await until(is_told)
        engine = FakeEngine(namespace)
        yield Tuned(kube, running, created, engine, tuner_of(running, engine))
