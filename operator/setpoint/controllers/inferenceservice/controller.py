"""The steps of one reconcile, in order. It may be called at any time, any number of times, for any key.

Observe (a frozen snapshot of the caches), decide (pure), carry out (server-side apply of what differs),
report (one status write, and only when it changed).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from setpoint.api.inferenceservice import GROUP
from setpoint.api.reasons import Reason
from setpoint.controllers.inferenceservice.decide import Plan, Tell, decide
from setpoint.controllers.inferenceservice.observe import Snapshot, observe
from setpoint.controllers.inferenceservice.status import Refusal, part_of_service, status_of
from setpoint.controllers.report import write_status
from setpoint.kube.apply import Applier, Foreign
from setpoint.kube.client import KubeClient
from setpoint.kube.errors import ApiError, Conflict, Forbidden, NotFound, Rejected
from setpoint.kube.informer import Informer
from setpoint.kube.objects import Key, Object
from setpoint.kube.resources import INFERENCE_SERVICES, PODS, Resource
from setpoint.orchestrations import live_limits
from setpoint.settings import Settings

logger = logging.getLogger(__name__)

FIELD_MANAGER = "setpoint"
HASH_ANNOTATION = f"{GROUP}/manifest-hash"


class InferenceServiceController:
    """Reconciles InferenceServices by their keys."""

    def __init__(
        self,
        client: KubeClient,
        informers: Mapping[Resource, Informer],
        settings: Settings,
        *,
        now: Callable[[], str],
    ) -> None:
        """`now` returns the wall clock in RFC 3339."""
        self._client = client
        self._informers = informers
        self._caches = {resource: informer.store for resource, informer in informers.items()}
        self._applier = Applier(
            client,
            owner=INFERENCE_SERVICES,
            field_manager=FIELD_MANAGER,
            hash_annotation=HASH_ANNOTATION,
            observe=lambda resource, written: informers[resource].observe_write(written),
            kept=lambda resource, manifest: informers[resource].kept(manifest),
        )
        self._settings = settings
        self._now = now

    async def reconcile(self, key: Key) -> bool:
        """Bring one InferenceService to its end; return False when it should be tried again.

        Raises ApiError when the API server could not be asked: then too it should be tried again.
        """
        snapshot = self._observe(key)
        if snapshot is None:
            return True
        plan, refusal = self._decide(snapshot)
        if refusal is None:
            refusal = await self._carry_out(plan, snapshot)
        are_told = [await self._tell(snapshot.key[0], tell) for tell in plan.tells]
        # The answers to our writes are in the caches by now: the status speaks of them, and of the spec that
        # was decided on, which may not be the newest any more.
        await self._report(replace(self._observe(key) or snapshot, service=snapshot.service), plan, refusal)
        return refusal is None and all(are_told)

    def _observe(self, key: Key) -> Snapshot | None:
        snapshot = observe(self._caches, key)
        # The children of an object that is being deleted go by their owner references.
        return None if snapshot is None or "deletionTimestamp" in snapshot.service["metadata"] else snapshot

    def _decide(self, snapshot: Snapshot) -> tuple[Plan, Refusal | None]:
        try:
            return decide(snapshot, self._settings), None
        except Exception as error:
            # Its text stays in the log, since it may repeat what the object holds.
            logger.exception("%s/%s: cannot be decided on", *snapshot.key)
            return Plan(), Refusal(
                Reason.INTERNAL_ERROR,
                f"Setpoint fails on this spec, by a fault of its own ({type(error).__name__}; more is in the"
                " operator's log): take back what was changed last, and report it",
            )

    async def _carry_out(self, plan: Plan, snapshot: Snapshot) -> Refusal | None:
        namespace, _ = snapshot.key
        try:
            written = [
                await self._applier.reconcile(step.resource, step.manifest, step.live, snapshot.uid)
                for step in plan.applies
            ]
            if not any(written):
                # The plan saw the children as they were before: what is outlived shows when nothing changes.
                for outlived in plan.deletes:
                    await self._client.delete(outlived.resource, namespace, outlived.name, uid=outlived.uid)
        except Foreign as error:
            return Refusal(Reason.NAME_TAKEN, f"metadata.name: {error}")
        except (Rejected, Forbidden) as error:
            return Refusal(Reason.REJECTED, f"the API server refuses an object of this spec: {error.message}")
        return None

    async def _tell(self, namespace: str, tell: Tell) -> bool:
        """Write the limits into a pod; False when it has to be tried again. One that cannot be told keeps
        nobody else from anything: the ConfigMap says the same, only later.
        """
        manifest: Object = {
            "apiVersion": PODS.api_version,
            "kind": PODS.kind,
            "metadata": {
                "name": tell.name,
                "uid": tell.uid,
                "resourceVersion": tell.version,
                "annotations": {live_limits.ANNOTATION: tell.limits},
            },
        }
        try:
            written = await self._client.apply(
                PODS, namespace, tell.name, manifest, field_manager=FIELD_MANAGER
            )
        except (Conflict, NotFound):
            return True  # gone, or changed since: the event of that wakes us
        except ApiError as error:
            logger.warning("pod %s/%s is not told its limits: %s", namespace, tell.name, error)
            return False
        self._informers[PODS].observe_write(written)
        return True

    async def _report(self, snapshot: Snapshot, plan: Plan, refusal: Refusal | None) -> None:
        status = status_of(snapshot, plan, refusal, now=self._now())
        if status == part_of_service(snapshot.status):
            return
        await write_status(
            self._client,
            self._informers[INFERENCE_SERVICES],
            snapshot,
            status,
            field_manager=FIELD_MANAGER,
        )
        logger.info("%s/%s: %s", *snapshot.key, _summary(status))


def _summary(status: Object) -> str:
    conditions = (f"{item['type']}={item['status']} ({item['reason']})" for item in status["conditions"])
    return ", ".join((status["replicaSummary"], *conditions))
