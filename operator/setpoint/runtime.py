"""The operator as kopf runs it: `kopf run --all-namespaces -m setpoint.runtime`.

kopf is the process: login, start-up, signals, probes, clean-up, later admission. Its handlers wake keys and
store nothing on the objects; caches, queue and decisions are the manager's and the controller's.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import kopf
import yaml

from setpoint.api.inferenceservice import GROUP, VERSION
from setpoint.controllers.inferenceservice.controller import InferenceServiceController
from setpoint.controllers.inferenceservice.observe import INDEX, WATCHED, index_terms, service_key
from setpoint.controllers.report import rfc3339
from setpoint.controllers.tuning.controller import TuningController
from setpoint.controllers.tuning.scrape import engines_by
from setpoint.kube.client import KubeClient
from setpoint.kube.election import Elector
from setpoint.kube.informer import Informer
from setpoint.kube.permissions import LEASE_NAME
from setpoint.kube.resources import INFERENCE_SERVICES, Resource
from setpoint.manager import MakeLoop, Manager, fence
from setpoint.prom.client import Prometheus
from setpoint.settings import KILL_SWITCH_NAME, Settings

logger = logging.getLogger(__name__)


DEEPEST_JSON = 10_000
"""How deep the API server lets an object be nested (sigs.k8s.io/json), which a tenant's template can be."""


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Start the manager beside kopf's own tasks."""
    # One object that cannot be decoded would stop kopf's watch and our lists of all services. CPython 3.11
    # counts the levels of its JSON decoder against this limit; 3.12 and 3.13 have a lower one that cannot be
    # raised.
    sys.setrecursionlimit(3 * DEEPEST_JSON)
    # The Lease elects, with a fence and a warm standby; peering has neither.
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True  # the kinds are known: no right to list CRDs and namespaces is needed
    for chatty in ("kopf.objects", "kopf.activities", "aiohttp.access"):
        # A line for every event of every service, and two for every probe.
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.networking.request_timeout = 30
    memo.client, memo.manager = build(load_settings())
    memo.task = asyncio.create_task(memo.manager.run())
    memo.task.add_done_callback(_end_process)


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Stop the workers, give the Lease back, close the connections."""
    memo.task.remove_done_callback(_end_process)
    memo.task.cancel()
    await asyncio.wait({memo.task})
    await memo.client.close()


@kopf.on.event(GROUP, VERSION, INFERENCE_SERVICES.plural)
async def wake(namespace: str | None, name: str, memo: kopf.Memo, **_: Any) -> None:
    """Have an InferenceService looked at: kopf's watch is a second bell beside the cache's own."""
    memo.manager.wake((namespace or "", name))


@kopf.on.probe(id="manager")
async def probe(memo: kopf.Memo, **_: Any) -> dict[str, bool]:
    """Healthy means: the caches are warm and the manager runs. A standby is as healthy as the leader."""
    manager: Manager = memo.manager
    if memo.task.done() or not manager.synced:
        raise kopf.PermanentError(
            "the caches are not synced" if not manager.synced else "the manager has ended"
        )
    return {"synced": True, "leading": manager.leading}


def load_settings() -> Settings:
    """Read the administrator's settings from the file that the chart mounts; the defaults without one.

    Raises pydantic.ValidationError, which names the field, when the file is wrong: the process ends at start.
    """
    path = os.environ.get("SETPOINT_SETTINGS_FILE")
    return Settings.model_validate(yaml.safe_load(Path(path).read_text()) or {}) if path else Settings()


def build(settings: Settings) -> tuple[KubeClient, Manager]:
    """Wire client, election, caches and controller together, with the credentials of the environment."""
    client = KubeClient.from_environment(on_request=fence(lambda: elector))
    elector = Elector(
        client,
        namespace=_own_namespace(),
        name=LEASE_NAME,
        identity=os.environ.get("POD_NAME") or f"{os.uname().nodename}-{os.getpid()}",
    )
    return client, manager_for(client, elector, settings, partial(tuning_loop, settings))


def manager_for(
    client: KubeClient,
    elector: Elector,
    settings: Settings,
    make_loop: MakeLoop | None = None,
) -> Manager:
    """Return the manager of the InferenceService controller, and of a loop beside it."""

    def controller(client: KubeClient, informers: Mapping[Resource, Informer]) -> InferenceServiceController:
        return InferenceServiceController(client, informers, settings, now=lambda: rfc3339(time.time()))

    return Manager(
        client,
        root=INFERENCE_SERVICES,
        watched=WATCHED,
        key_of=service_key,
        indexes={INDEX: index_terms},
        make_controller=controller,
        elector=elector,
        make_loop=make_loop,
    )


def tuning_loop(
    settings: Settings, client: KubeClient, informers: Mapping[Resource, Informer]
) -> TuningController:
    """Return the tuner; without a Prometheus it says so in the status of every service that has a promise."""
    interval_seconds = settings.tuning.interval_seconds
    look = None
    if settings.prometheus is not None:
        look = engines_by(Prometheus(settings.prometheus), within_seconds=2 * interval_seconds)
    return TuningController(
        client,
        informers,
        look,
        clock=time.time,
        interval_seconds=interval_seconds,
        kill_switch=(_own_namespace(), KILL_SWITCH_NAME),
    )


def _own_namespace() -> str:
    return os.environ.get("POD_NAMESPACE", "default")


def _end_process(task: asyncio.Task[None]) -> None:
    """End the operator when the manager ended by itself; the kubelet starts a fresh one."""
    if not task.cancelled():
        logger.error("the manager has ended: %r", task.exception())
    signal.raise_signal(signal.SIGTERM)
