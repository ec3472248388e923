"""The chart on a real API server: accepted whole, no right but those of the table, gone without harm."""

import asyncio
import json
from collections.abc import Iterable, Iterator

import pytest
import yaml

from setpoint.kube.client import KubeClient
from setpoint.kube.permissions import LEASE_NAME, PERMISSIONS, allows
from setpoint.kube.resources import Resource
from tests.apiserver import ApiServer, until
from tests.chart import cluster, golden, helm

pytestmark = pytest.mark.apiserver

SUBJECT_ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview")
VERBS = (
    *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
    *("approve", "bind", "escalate", "impersonate", "sign", "use", "*"),
)
Question = tuple[str, str, str, str, str]
"""Verb, group, plural, subresource, name."""
OPERATOR = f"system:serviceaccount:{helm.NAMESPACE}:setpoint"


class Access:
    """Asks the API server's authorizer what a user may do."""

    def __init__(self, kube: KubeClient, user: str) -> None:
        self._kube = kube
        self._user = user
        self._limit = asyncio.Semaphore(32)

    async def may(
        self,
        verb: str,
        group: str,
        plural: str,
        subresource: str = "",
        name: str = "",
        *,
        namespace: str = helm.NAMESPACE,
    ) -> bool:
        """Whether the user may do this."""
        attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
        review = {
            "apiVersion": SUBJECT_ACCESS_REVIEWS.api_version,
            "kind": SUBJECT_ACCESS_REVIEWS.kind,
            "metadata": {},
            "spec": {
                "user": self._user,
                "resourceAttributes": attributes | {"name": name, "namespace": namespace},
            },
        }
        async with self._limit:
            answer = await self._kube.create(SUBJECT_ACCESS_REVIEWS, None, review)
        return bool(answer["status"]["allowed"])

    async def all_of(self, requests: Iterable[Question]) -> set[Question]:
        """Those of the requests that the user may make."""
        requests = list(requests)
        answers = await asyncio.gather(*(self.may(*request) for request in requests))
        return {request for request, answer in zip(requests, answers, strict=True) if answer}


async def test_the_operator_may_do_what_the_table_lists_and_nothing_else(
    installed: ApiServer, kube: KubeClient
) -> None:
    access = Access(kube, OPERATOR)
    asked = [
        (verb, *kind, name) for kind in kinds_of(installed) for verb in VERBS for name in ("", LEASE_NAME)
    ]
    listed = {request for request in asked if allows(*request[:4], name=request[4])}
    assert {request[1:4] for request in listed} == {
        (permission.resource.group, permission.resource.plural, permission.subresource)
        for permission in PERMISSIONS
        if permission.subresource
        != "finalizers"  # a right that admission asks for, not a path that is served
    }

    async def in_force() -> bool:
        return await access.all_of(listed) == listed

    await until(in_force)
    assert await access.all_of(asked) == listed
    assert await access.may("update", "setpoint.dev", "inferenceservices", "finalizers")
    assert not await access.may("get", "coordination.k8s.io", "leases", name="other")
    assert not await access.may("get", "coordination.k8s.io", "leases", name=LEASE_NAME, namespace="default")


def kinds_of(api_server: ApiServer) -> Iterator[tuple[str, str, str]]:
    """Every kind and subresource that the API server serves: group, plural, subresource."""
    groups = json.loads(cluster.kubectl(api_server, "get", "--raw", "/apis"))["groups"]
    versions = [("", "/api/v1")]
    versions += [(group["name"], f"/apis/{group['preferredVersion']['groupVersion']}") for group in groups]
    for group, path in versions:
        for kind in json.loads(cluster.kubectl(api_server, "get", "--raw", path))["resources"]:
            plural, _, subresource = kind["name"].partition("/")
            yield group, plural, subresource


@pytest.mark.parametrize(
    ("role", "writes"), [("setpoint-infsvc-edit", True), ("setpoint-infsvc-view", False)]
)
async def test_users_that_edit_may_write_services_and_users_that_view_may_read_them(
    installed: ApiServer, kube: KubeClient, role: str, writes: bool
) -> None:
    user = {"kind": "User", "name": f"{role}-user", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": helm.NAMESPACE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [user],
    }
    cluster.kubectl(installed, "apply", "-f", "-", manifest=yaml.safe_dump(binding))
    access = Access(kube, user["name"])
    services = ("setpoint.dev", "inferenceservices")
    await until(lambda: access.may("watch", *services))
    assert await access.may("get", *services, "scale")
    assert await access.may("get", *services, "status")
    assert await access.may("create", *services) is writes
    assert await access.may("patch", *services, "scale") is writes
    assert not await access.may("patch", *services, "status")
    assert not await access.may("get", *services, namespace="default")


@pytest.mark.parametrize("case", golden.CASES)
def test_every_object_is_accepted_without_a_warning(installed: ApiServer, case: str) -> None:
    rendered = helm.render_text(golden.CASES[case])
    arguments = (
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
    )
    cluster.kubectl(installed, *arguments, manifest=rendered)


@pytest.mark.parametrize("case", golden.CASES)
def test_its_pods_are_admitted_where_pod_security_is_restricted(installed: ApiServer, case: str) -> None:
    # The Deployment is admitted in any case: only its pods would be missing, and Helm would not see it.
    for item in helm.render(golden.CASES[case]):
        if item["kind"] == "Deployment":
            pod = {"apiVersion": "v1", "kind": "Pod"} | item["spec"]["template"]
            pod["metadata"] = pod["metadata"] | {"name": "pod", "namespace": helm.NAMESPACE}
            cluster.kubectl(installed, "create", "--dry-run=server", "-f", "-", manifest=yaml.safe_dump(pod))


def test_what_the_prometheus_operator_reads_is_there_where_it_is_served(installed: ApiServer) -> None:
    assert cluster.live(installed, "podmonitor/setpoint-engines")["spec"]["podMetricsEndpoints"]
    assert cluster.live(installed, "prometheusrule/setpoint")["spec"]["groups"]


async def test_prometheus_may_read_pods_everywhere_and_nothing_else(
    installed: ApiServer, kube: KubeClient
) -> None:
    user = f"system:serviceaccount:{helm.NAMESPACE}:setpoint-prometheus"
    cluster.helm(installed, "upgrade", helm.RELEASE, helm.CHART, values={"prometheus": {"install": True}})
    access = Access(kube, user)
    asked = [(verb, *kind, "") for kind in kinds_of(installed) for verb in VERBS]
    listed = {(verb, "", "pods", "", "") for verb in ("get", "list", "watch")}

    async def in_force() -> bool:
        return await access.all_of(listed) == listed

    await until(in_force)
    assert await access.all_of(asked) == listed
    assert await access.may("list", "", "pods", namespace="default")


def test_a_second_operator_is_refused_in_another_namespace(installed: ApiServer) -> None:
    with pytest.raises(helm.HelmError, match=r"ClusterRole.*exists and cannot be imported"):
        helm.run(
            *("install", "second", helm.CHART, "--namespace", "second-system", "--create-namespace"),
            kubeconfig=installed.kubeconfig,
        )


def test_upgrade_and_uninstall_leave_the_crd_and_the_services(installed: ApiServer) -> None:
    crd = ("customresourcedefinition", "inferenceservices.setpoint.dev")
    cluster.kubectl(installed, "apply", "-f", "-", manifest=example_of_the_notes(installed))
    before = [cluster.live(installed, *crd), cluster.live(installed, "infsvc/chat", "--namespace=default")]

    cluster.helm(installed, "upgrade", helm.RELEASE, helm.CHART, values=golden.EVERYTHING)
    assert cluster.live(installed, "deployment/setpoint")["spec"]["replicas"] == golden.EVERYTHING["replicas"]
    cluster.helm(installed, "uninstall", helm.RELEASE)

    assert [
        cluster.live(installed, *crd),
        cluster.live(installed, "infsvc/chat", "--namespace=default"),
    ] == before
    left = cluster.live(
        installed, "clusterroles,clusterrolebindings,roles,deployments,configmaps,serviceaccounts"
    )["items"]
    assert not [item for item in left if "helm.sh/chart" in item["metadata"].get("labels", {})]
    cluster.kubectl(installed, "delete", "infsvc/chat", "--namespace=default")
    cluster.helm(installed, "install", helm.RELEASE, helm.CHART)


def example_of_the_notes(api_server: ApiServer) -> str:
    """The InferenceService that the notes after an installation suggest."""
    notes = cluster.helm(api_server, "get", "notes", helm.RELEASE)
    _, _, rest = notes.partition("<<'END'\n")
    return "\n".join(line.removeprefix("  ") for line in rest.partition("\n  END")[0].splitlines())
