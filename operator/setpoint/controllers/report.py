"""How a controller tells of an InferenceService: its own conditions and fields of a status that it shares.

Each has a field manager of its own, and writes nothing of the other's.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from setpoint.api.inferenceservice import GROUP, KIND, VERSION
from setpoint.api.status import Condition, ConditionStatus, ConditionType
from setpoint.controllers.subject import Subject
from setpoint.kube.client import KubeClient
from setpoint.kube.informer import Informer
from setpoint.kube.objects import Object
from setpoint.kube.resources import INFERENCE_SERVICES
from setpoint.redaction import redact

MESSAGE_MAX_LENGTH = 4096
Verdict: TypeAlias = tuple[ConditionStatus, str, str]
"""Status, reason and message of a condition."""


def conditions(found: Mapping[ConditionType, Verdict], subject: Subject, *, now: str) -> list[Condition]:
    """Return the conditions as they should stand.

    `now` (RFC 3339) becomes the lastTransitionTime of one whose status changed; other times are kept, so that
    an unchanged state gives unchanged conditions.
    """
    before = subject.conditions
    return [
        Condition(
            type=kind,
            status=status,
            observed_generation=subject.generation,
            last_transition_time=_transition_time(before.get(kind), status, now),
            reason=reason,
            message=_told(message),
        )
        for kind, (status, reason, message) in found.items()
    ]


def own_conditions(status: Object, kinds: Collection[str]) -> Object:
    """Return the conditions of these kinds, as a part of a status; nothing where it has none of them."""
    own = [each for each in status.get("conditions", ()) if each["type"] in kinds]
    return {"conditions": own} if own else {}


async def write_status(
    client: KubeClient,
    services: Informer,
    subject: Subject,
    status: Object,
    *,
    field_manager: str,
) -> None:
    """Apply a controller's part of the status, and let the cache of InferenceServices know of it.

    Raises Conflict where another object has its name by now.
    """
    namespace, name = subject.key
    manifest: Object = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": name, "uid": subject.uid},
        "status": status,
    }
    written = await client.apply(
        INFERENCE_SERVICES, namespace, name, manifest, field_manager=field_manager, subresource="status"
    )
    services.observe_write(written)


def rfc3339(unix_seconds: float) -> str:
    """Return a moment as the API writes one."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(message: str) -> str:
    """A message of bounded length, without credentials that others have put into it."""
    told = redact(message)
    return told if len(told) <= MESSAGE_MAX_LENGTH else f"{told[: MESSAGE_MAX_LENGTH - 3]}..."


def _transition_time(before: Object | None, status: ConditionStatus, now: str) -> str:
    if before is not None and before["status"] == status:
        return str(before["lastTransitionTime"])
    return now
