"""What a test's namespace had when the test failed: the cluster is gone before anyone can look."""

from collections.abc import Iterator

from e2e.clusters import ClusterError
from e2e.installation import NAMESPACE as OPERATOR_NAMESPACE
from e2e.scenarios.world import World

_LOG_LINES = 40
_EVENTS = 40
_POD_COLUMNS = ",".join(
    (
        "POD:.metadata.name",
        "CREATED:.metadata.creationTimestamp",
        "DELETED:.metadata.deletionTimestamp",
        "PHASE:.status.phase",
        "RESTARTS:.status.containerStatuses[*].restartCount",
        'READY:.status.conditions[?(@.type=="Ready")].status',
        'SINCE:.status.conditions[?(@.type=="Ready")].lastTransitionTime',
    )
)
_SLICE_COLUMNS = "SLICE:.metadata.name,PODS:.endpoints[*].targetRef.name,READY:.endpoints[*].conditions.ready"
_SERVICE_COLUMNS = ",".join(
    (
        "SERVICE:.metadata.name",
        "GENERATION:.metadata.generation",
        "REPLICAS:.status.replicaSummary",
        "CONDITIONS:.status.conditions[*].reason",
        "SINCE:.status.conditions[*].lastTransitionTime",
    )
)


def gather(world: World) -> Iterator[str]:
    """Each question to the cluster with its answer, or with why there is none."""
    here = ("--namespace", world.namespace)
    operator = ("--namespace", OPERATOR_NAMESPACE)
    for question, newest in (
        (("get", "infsvc", *here, "-o", f"custom-columns={_SERVICE_COLUMNS}"), 0),
        (("get", "deployments,replicasets", *here), 0),
        (("get", "pods", *here, "-o", f"custom-columns={_POD_COLUMNS}"), 0),
        (("get", "endpointslices", *here, "-o", f"custom-columns={_SLICE_COLUMNS}"), 0),
        (("get", "events", *here, "--sort-by=.metadata.creationTimestamp"), _EVENTS),
        (("get", "pods", *operator, "-o", f"custom-columns={_POD_COLUMNS}"), 0),
        (("logs", *operator, "--selector", "app.kubernetes.io/component=operator", f"--tail={_LOG_LINES}",
          "--prefix", "--timestamps"), 0),
    ):  # fmt: skip
        try:
            answer = world.kubectl.run(*question)
        except ClusterError as error:
            answer = f"{error}\n"
        yield f"$ kubectl {' '.join(question)}\n" + "".join(answer.splitlines(keepends=True)[-newest:])
