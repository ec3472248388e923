"""The steps of one cycle: one scrape for all services, then each service by itself.

Observe (frozen snapshots of the caches), read (at most 20 queries for all together), decide (pure), write
what is wanted into the service's TuningCheckpoint and what is known into its status, each only when it
changed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias
from zlib import crc32

from pydantic import ValidationError

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.api.scalars import duration_seconds
from setpoint.controllers.inferenceservice.observe import Cache
from setpoint.controllers.report import rfc3339, write_status
from setpoint.controllers.tuning.checkpoint import checkpoint_of, restored
from setpoint.controllers.tuning.decisions import log_change
from setpoint.controllers.tuning.observe import Snapshot, is_killed, observe
from setpoint.controllers.tuning.scrape import Engines, Look
from setpoint.controllers.tuning.status import part_of_tuning, state_of, status_of, tells_of_this_spec
from setpoint.controllers.tuning.tuned import Tuned, cycle, settings_of
from setpoint.kube.client import KubeClient
from setpoint.kube.election import LeadershipLost
from setpoint.kube.errors import ApiError, Conflict, NotFound
from setpoint.kube.informer import Informer
from setpoint.kube.objects import Key, Object
from setpoint.kube.resources import INFERENCE_SERVICES, TUNING_CHECKPOINTS, Resource
from setpoint.tuner.record import Record
from setpoint.tuner.state import Mode, Observation, Settings

logger = logging.getLogger(__name__)

FIELD_MANAGER = "setpoint-tuning"
QUIET_SECONDS = 300.0
"""Figures alone are written no more often than this."""
WRITERS = 8
"""Requests that are made at once."""
PLANNING_SHARE = 0.3
"""Of a cycle; a plan takes about a second, and what has no turn has one in a later cycle."""


@dataclass
class _Known:
    """One service between cycles, and what was last written of it."""

    uid: str
    tuned: Tuned
    since: float
    """When this process first looked at it."""
    status_seconds: float
    """When its status was last written. Before that a moment of its own: the figures of all services are not
    written at once, five minutes after a start."""
    planned_cycle: int = 0
    """The last cycle in which a plan was made for it: who has waited longest comes first."""
    is_unjudged: bool = False
    """Whether an engine of it does not judge its requests, so that its histograms are asked for."""


Asked: TypeAlias = Mapping[Key, tuple[Snapshot, InferenceService, Settings]]


class TuningController:
    """Tunes every service that promises something."""

    def __init__(
        self,
        client: KubeClient,
        informers: Mapping[Resource, Informer],
        look: Look | None,
        *,
        clock: Callable[[], float],
        interval_seconds: float,
        kill_switch: Key | None = None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a `look` nothing is known of the engines. `clock` returns the Unix time."""
        self._client = client
        self._informers = informers
        self._caches: Mapping[Resource, Cache] = {
            resource: informer.store for resource, informer in informers.items()
        }
        self._look = look
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._kill_switch = kill_switch
        self._known: dict[Key, _Known] = {}
        self._killed = False
        self._writers = asyncio.Semaphore(WRITERS)
        self._stopwatch = stopwatch
        self._deciding = asyncio.Lock()
        self._cycles = 0
        self._planning_seconds = 0.0

    async def run(self) -> None:
        """Do one cycle after the other, until cancelled."""
        while True:
            began = self._clock()
            try:
                await self.cycle()
            except LeadershipLost:
                raise
            except Exception:
                # One cycle that fails must not end those to come: limits would run out of their lease.
                logger.exception("a cycle of the tuner failed")
            await asyncio.sleep(max(self._interval_seconds - (self._clock() - began), 1.0))

    async def cycle(self) -> None:
        """Look at every service once."""
        now = self._clock()
        self._planning_seconds = 0.0
        self._cycles += 1
        self._killed = is_killed(self._caches, self._kill_switch)
        snapshots = self._snapshots()
        for gone in self._known.keys() - snapshots.keys():
            del self._known[gone]
        asked = {
            key: (snapshot, service, self._settings(snapshot, service))
            for key, (snapshot, service) in snapshots.items()
        }
        # What is to go back to its start values does not wait for Prometheus.
        await self._stop(asked, now)
        if asked:
            engines = Engines(failure="there is none")
            if self._look is not None:
                unjudged = {name for (_, name), known in self._known.items() if known.is_unjudged}
                engines = await asyncio.to_thread(self._look, now, unjudged)
            await self._each(asked, engines, self._clock())

    async def _stop(self, asked: Asked, now: float) -> None:
        stopped = {
            key: each
            for key, each in asked.items()
            if each[2].mode is Mode.DISABLED and each[0].checkpoint is not None
        }
        await self._each(stopped, Engines(failure="not asked yet"), now, is_told=False)

    def _settings(self, snapshot: Snapshot, service: InferenceService) -> Settings:
        return settings_of(
            service, snapshot.uid, killed=self._killed, interval_seconds=self._interval_seconds
        )

    def _snapshots(self) -> dict[Key, tuple[Snapshot, InferenceService]]:
        found = {}
        for key in self._informers[INFERENCE_SERVICES].store.keys():  # noqa: SIM118  a Store is no dict
            snapshot = observe(self._caches, key)
            if snapshot is None:
                continue
            try:
                service = InferenceService.model_validate(snapshot.service)
            except ValidationError:
                continue  # the InferenceService controller says so
            if service.spec.slo is not None or snapshot.checkpoint is not None or key in self._known:
                found[key] = snapshot, service
        return found

    async def _each(self, asked: Asked, engines: Engines, now: float, *, is_told: bool = True) -> None:
        """Tune each of them; one that fails keeps no other from it."""

        async def one(key: Key, snapshot: Snapshot, service: InferenceService, settings: Settings) -> None:
            async with self._writers:
                # Without it the event loop would do nothing else until all services are through.
                await asyncio.sleep(0)
                try:
                    await self._tune(snapshot, service, settings, engines, now, is_told=is_told)
                except LeadershipLost:
                    raise
                except (Conflict, NotFound):
                    pass  # gone, or another of its name: the next cycle sees what is there
                except ApiError as error:
                    logger.warning("%s/%s: %s; trying again", *key, error)
                except Exception:
                    logger.exception("%s/%s: trying again", *key)

        await asyncio.gather(*(one(key, *asked[key]) for key in sorted(asked, key=self._planned_cycle)))

    def _planned_cycle(self, key: Key) -> int:
        known = self._known.get(key)
        return known.planned_cycle if known else 0

    async def _tune(
        self,
        snapshot: Snapshot,
        service: InferenceService,
        settings: Settings,
        engines: Engines,
        now: float,
        *,
        is_told: bool,
    ) -> None:
        known = self._known.get(snapshot.key)
        if known is None or known.uid != snapshot.uid:
            known = _Known(
                snapshot.uid,
                restored(snapshot.checkpoint),
                since=now,
                status_seconds=now + QUIET_SECONDS * share_of(snapshot.uid),
            )
            self._known[snapshot.key] = known
        observation = _observation(snapshot, engines, now)
        if observation.readings:
            known.is_unjudged = service.spec.slo is not None and not all(
                each.is_judging for each in observation.readings.values()
            )
        window_seconds = duration_seconds(service.spec.slo.window) if service.spec.slo else 300.0
        before = known.tuned
        async with self._deciding:
            record = await self._decide(known, observation, settings, snapshot.told, window_seconds)
        log_change(snapshot.key, record, before, known.tuned)
        await self._write_checkpoint(snapshot, service, known)
        if not is_told:
            return
        if service.spec.slo is None:
            await self._write_status(snapshot, known, {}, now)
            return
        if known.tuned.lost_cycles == 1 and self._outdone() is None and tells_of_this_spec(snapshot):
            return  # a look that failed once is no news, and of what it lacks nothing can be told
        status = status_of(
            service,
            snapshot,
            known.tuned,
            record.decision,
            observation,
            settings,
            now=rfc3339(now),
            outdone=self._outdone(),
            is_young=now - known.since < window_seconds,
        )
        await self._write_status(snapshot, known, status, now)

    async def _decide(
        self, known: _Known, observation: Observation, settings: Settings, told: str | None, seconds: float
    ) -> Record:
        """Do one cycle of the tuner; where it may take long, beside what else the process has to do."""
        if self._planning_seconds >= PLANNING_SHARE * self._interval_seconds:
            observation = replace(observation, may_plan=False)
            record, known.tuned = cycle(known.tuned, observation, settings, told, seconds)
            return record
        began = self._stopwatch()
        record, known.tuned = await asyncio.to_thread(
            cycle, known.tuned, observation, settings, told, seconds
        )
        if record.after.planned.made_for is not record.before.planned.made_for:
            self._planning_seconds += self._stopwatch() - began
            known.planned_cycle = self._cycles
        return record

    def _outdone(self) -> Reason | None:
        if self._killed:
            return Reason.KILL_SWITCH
        return Reason.NO_PROMETHEUS if self._look is None else None

    async def _write_checkpoint(self, snapshot: Snapshot, service: InferenceService, known: _Known) -> None:
        wanted = checkpoint_of(snapshot, service, known.tuned)
        if wanted is None or wanted["spec"] == (snapshot.checkpoint or {}).get("spec"):
            return
        namespace, name = snapshot.key
        written = await self._client.apply(
            TUNING_CHECKPOINTS, namespace, name, wanted, field_manager=FIELD_MANAGER
        )
        self._informers[TUNING_CHECKPOINTS].observe_write(written)

    async def _write_status(self, snapshot: Snapshot, known: _Known, status: Object, now: float) -> None:
        stands = part_of_tuning(snapshot.status)
        if status == stands:
            return
        is_news = not status or not stands or state_of(status) != state_of(stands)
        if not is_news and now - known.status_seconds < QUIET_SECONDS:
            return
        await write_status(
            self._client,
            self._informers[INFERENCE_SERVICES],
            snapshot,
            status,
            field_manager=FIELD_MANAGER,
        )
        known.status_seconds = now


def share_of(uid: str) -> float:
    """Return a number from 0 to 1 for a service, always the same, and spread evenly over all of them."""
    return crc32(uid.encode()) / 2**32


def _observation(snapshot: Snapshot, engines: Engines, now: float) -> Observation:
    namespace, service = snapshot.key
    if engines.failure:
        return Observation(now, {}, {"engines": engines.failure})
    readings, missing = {}, {}
    for name in snapshot.engines:
        pod = namespace, name
        if pod not in engines.readings:
            missing[name] = engines.fault_of(pod)
        elif engines.services.get(pod) != service:
            missing[name] = f"its series say that it is an engine of {engines.services.get(pod)}"
        else:
            readings[name] = engines.readings[pod]
    return Observation(now, readings, missing)
