"""Which replica of the operator may write: the one that holds the Lease. The others keep their caches warm.

The rules are those of client-go's leaderelection: a candidate takes the Lease over when it has *seen no
change* for the lease's duration by its own monotonic clock, so clocks need not agree; the holder stops by
itself when it could not renew for a shorter time. What the official Python client brings was not used: it
writes local time as if it were UTC, compares wall clocks, does not release the Lease on exit, ends on a
connection error, and its requests may outlast the lease.
"""

import asyncio
import logging
import math
import random
import time
from datetime import UTC, datetime

from setpoint.kube.client import KubeClient
from setpoint.kube.errors import ApiError, Conflict
from setpoint.kube.objects import Object
from setpoint.kube.resources import LEASES

logger = logging.getLogger(__name__)


class LeadershipLost(Exception):  # noqa: N818
    """This process does not hold the Lease, or cannot be sure that it still does: it must not write."""


class Elector:
    """One candidate for one Lease.

    `check` is the fence to put before every write: leadership ends by itself `renew_deadline_seconds` after
    the last renewal was sent, before `lease_duration_seconds` have passed for anyone else. A write that was
    sent before that and arrives late is not held back; writes are server-side applies that carry the object's
    uid, so the worst is a late write of a state that was right.
    """

    def __init__(
        self,
        client: KubeClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        lease_duration_seconds: float = 15,
        renew_deadline_seconds: float = 10,
        retry_period_seconds: float = 2,
    ) -> None:
        self.identity = identity
        self.leading = asyncio.Event()
        """Set while this candidate leads; `is_leader` is the exact answer."""
        self._client = client
        self._namespace = namespace
        self._name = name
        self._lease_duration_seconds = lease_duration_seconds
        self._renew_deadline_seconds = renew_deadline_seconds
        self._retry_period_seconds = retry_period_seconds
        self._leads_until = float("-inf")
        self._own: Object | None = None
        self._observed: Object | None = None
        self._observed_at = 0.0

    @property
    def is_leader(self) -> bool:
        """True while nobody else can hold the Lease."""
        return time.monotonic() < self._leads_until

    def check(self) -> None:
        """Raise LeadershipLost unless this candidate leads."""
        if not self.is_leader:
            raise LeadershipLost(f"{self.identity} does not hold the lease {self._namespace}/{self._name}")

    async def run(self) -> None:
        """Wait for the Lease, hold it, and return when it is lost.

        When cancelled, the Lease is released, so that the next candidate need not wait for it to run out.
        Stop all writers first.
        """
        try:
            await self._acquire()
            logger.info("%s leads", self.identity)
            self.leading.set()
            while self.is_leader:
                await asyncio.sleep(self._retry_period_seconds)
                await self._try()
            logger.error("%s lost the lease %s/%s", self.identity, self._namespace, self._name)
        finally:
            self.leading.clear()
            await self._release()

    async def _acquire(self) -> None:
        while True:
            if await self._try():
                return
            await asyncio.sleep(self._retry_period_seconds * random.uniform(1.0, 1.2))

    async def _try(self) -> bool:
        """Take or renew the Lease once, if that is allowed."""
        asked_at = time.monotonic()
        limit = self._renew_deadline_seconds / 2
        if self.is_leader:
            limit = min(limit, self._leads_until - asked_at)
        try:
            async with asyncio.timeout(limit):
                self._own = await self._take()
        except Conflict:
            # Somebody wrote the Lease since we saw it; the next attempt reads it.
            self._own = None
        except (ApiError, TimeoutError) as error:
            logger.warning("lease %s/%s: %s", self._namespace, self._name, error or "no answer in time")
        else:
            if self._own is not None:
                self._leads_until = asked_at + self._renew_deadline_seconds
                return True
            self._leads_until = float("-inf")
        return False

    async def _take(self) -> Object | None:
        """Write our name into the Lease and return it as written; None while another holds it."""
        lease = self._own or await self._client.get(LEASES, self._namespace, self._name)
        if lease is None:
            return await self._client.create(
                LEASES,
                self._namespace,
                {
                    "apiVersion": LEASES.api_version,
                    "kind": LEASES.kind,
                    "metadata": {"name": self._name, "namespace": self._namespace},
                    "spec": self._spec({}),
                },
            )
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") not in (None, "", self.identity) and not self._ran_out(spec):
            return None
        lease = lease | {"spec": self._spec(spec)}
        return await self._client.replace(LEASES, self._namespace, self._name, lease)

    def _ran_out(self, spec: Object) -> bool:
        now = time.monotonic()
        if spec != self._observed:
            self._observed, self._observed_at = spec, now
        duration_seconds = spec.get("leaseDurationSeconds") or self._lease_duration_seconds
        return now >= self._observed_at + duration_seconds

    def _spec(self, before: Object) -> Object:
        now = _micro_time()
        ours = before.get("holderIdentity") == self.identity
        transitions = before.get("leaseTransitions") or 0
        return {
            "holderIdentity": self.identity,
            # The API has whole seconds; never promise less than we count on.
            "leaseDurationSeconds": math.ceil(self._lease_duration_seconds),
            "acquireTime": before.get("acquireTime", now) if ours else now,
            "renewTime": now,
            "leaseTransitions": transitions if ours or not before else transitions + 1,
        }

    async def _release(self) -> None:
        if not self.is_leader:
            return
        self._leads_until = float("-inf")
        try:
            async with asyncio.timeout(self._retry_period_seconds):
                # Read it: the last renewal may have been cancelled on its way.
                lease = await self._client.get(LEASES, self._namespace, self._name)
                if lease is None or lease["spec"].get("holderIdentity") != self.identity:
                    return
                spec = self._spec(lease["spec"]) | {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.replace(LEASES, self._namespace, self._name, lease | {"spec": spec})
        except (ApiError, TimeoutError) as error:
            logger.warning("lease %s/%s was not released: %s", self._namespace, self._name, error)


def _micro_time() -> str:
    """The current time as the API type MicroTime, which insists on six decimals."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
