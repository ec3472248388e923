"""What a test's namespace had when the test failed: the cluster is gone before anyone can look."""

from collections.abc import Iterator

from e2e.clusters import ClusterError
from e2e.installation import NAMESPACE as OPERATOR_NAMESPACE
from e2e.scenarios.world import World

_LINES = 80
"""Of each answer, the last ones; of each of the operator's two logs half as many."""
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
    for question in (
        ("get", "infsvc", *here, "-o", f"custom-columns={_SERVICE_COLUMNS}"),
        ("get", "deployments,replicasets", *here),
        ("get", "pods", *here, "-o", f"custom-columns={_POD_COLUMNS}"),
        ("get", "pods", *here, "-o", "jsonpath={range .items[*]}{.metadata.annotations}{'\\n'}{end}"),
        ("get", "endpointslices", *here, "-o", f"custom-columns={_SLICE_COLUMNS}"),
        ("get", "events", *here, "--sort-by=.metadata.creationTimestamp"),
        ("get", "pods", *operator, "-o", f"custom-columns={_POD_COLUMNS}"),
        ("logs", *operator, "--selector", "app.kubernetes.io/component=operator",
         f"--tail={_LINES // 2}", "--prefix", "--timestamps"),
    ):  # fmt: skip
        try:
            answer = world.kubectl.run(*question)
        except ClusterError as error:
            answer = f"{error}\n"
        yield f"$ kubectl {' '.join(question)}\n" + "".join(answer.splitlines(keepends=True)[-_LINES:])
