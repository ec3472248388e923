"""The TuningCheckpoint of a service: what the tuner wants of its engines, and what it has to know again."""

from setpoint.api.inferenceservice import InferenceService
from setpoint.controllers.report import rfc3339
from setpoint.controllers.tuning.observe import Snapshot
from setpoint.controllers.tuning.tuned import Tuned, restored_state, stored_state
from setpoint.kube.objects import Object
from setpoint.kube.resources import TUNING_CHECKPOINTS
from setpoint.orchestrations.deployment import labels
from setpoint.orchestrations.live_limits import NAMES, wanted_by
from setpoint.tuner.knobs import Knobs


def checkpoint_of(snapshot: Snapshot, service: InferenceService, tuned: Tuned) -> Object | None:
    """Return the checkpoint as it should stand; None where there is none, and nothing to keep."""
    if snapshot.checkpoint is None and tuned.state.knobs == Knobs():
        return None
    namespace, name = snapshot.key
    spec: Object = {"state": stored_state(tuned.state)}
    if wanted := tuned.wanted():  # an empty object would become null where it had fields before
        spec["limits"] = {NAMES[limit]: value for limit, value in wanted.items()}
    if tuned.state.expires_seconds is not None:
        spec["expires"] = rfc3339(tuned.state.expires_seconds)
    return {
        "apiVersion": TUNING_CHECKPOINTS.api_version,
        "kind": TUNING_CHECKPOINTS.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels(service),
            "ownerReferences": [{**snapshot.owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": spec,
    }


def restored(checkpoint: Object | None) -> Tuned:
    """Return what was known when the checkpoint was written."""
    if checkpoint is None:
        return Tuned()
    spec = checkpoint["spec"]
    return Tuned(
        state=restored_state(str(spec.get("state", ""))),
        stored_limits=wanted_by(checkpoint).limits,
    )
