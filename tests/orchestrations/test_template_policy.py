"""A tenant gains nothing through a template that a tenant's pod may not have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.orchestrations import deployment
from tests.builders import inference_service, settings

SETTINGS = settings(allowed_node_paths=("/srv/models",))


def faults(template: dict[str, Any]) -> list[Any]:
    return deployment.faults(inference_service(template=template), SETTINGS)


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


def main(**container: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "main", **container}])


def guarded(**context: Any) -> dict[str, Any]:
    return main(securityContext=context)


def volume(**source: Any) -> dict[str, Any]:
    return pod(volumes=[{"name": "v", **source}])


def typed_host_path(kind: str | None) -> dict[str, Any]:
    return volume(hostPath={"path": "/srv/models/a", "type": kind})


def host_path(path: str, **mount: Any) -> dict[str, Any]:
    mounts = [{"name": "v", "mountPath": "/v", **mount}]
    return pod(
        volumes=[{"name": "v", "hostPath": {"path": path, "type": "Directory"}}],
        containers=[{"name": "main", "volumeMounts": mounts}],
    )


@pytest.mark.parametrize(
    ("template", "field"),
    [
        (pod(hostNetwork=True), "hostNetwork"),
        (pod(hostPID=True), "hostPID"),
        (pod(hostIPC=True), "hostIPC"),
        (pod(nodeName="gpu-1"), "nodeName"),
        (pod(serviceAccountName="admin"), "serviceAccountName"),
        (pod(serviceAccountName=None), "serviceAccountName"),
        (pod(serviceAccount="admin"), "serviceAccount"),
        (pod(automountServiceAccountToken=True), "automountServiceAccountToken"),
        (pod(automountServiceAccountToken=None), "automountServiceAccountToken"),
        (pod(ephemeralContainers=[{"name": "x"}]), "ephemeralContainers"),
        (pod(securityContext={"runAsNonRoot": False}), "securityContext.runAsNonRoot"),
        (pod(securityContext={"runAsNonRoot": None}), "securityContext.runAsNonRoot"),
        (pod(securityContext={"runAsUser": 0}), "securityContext.runAsUser"),
        (
            pod(securityContext={"seccompProfile": {"type": "Unconfined"}}),
            "securityContext.seccompProfile.type",
        ),
        (pod(securityContext={"seccompProfile": None}), "securityContext.seccompProfile"),
        (
            pod(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
            "securityContext.appArmorProfile.type",
        ),
        (pod(securityContext={"seLinuxOptions": {"type": "spc_t"}}), "securityContext.seLinuxOptions"),
        (
            pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
            "securityContext.sysctls",
        ),
        (
            pod(securityContext={"windowsOptions": {"hostProcess": True}}),
            "securityContext.windowsOptions.hostProcess",
        ),
        (volume(nfs={"server": "x", "path": "/"}), "volumes[v]"),
        (volume(hostPath={"path": "/etc", "type": "File"}), "volumes[v].hostPath.path"),
        (volume(hostPath={"path": "/srv/models2", "type": "File"}), "volumes[v].hostPath.path"),
        (volume(hostPath={"path": "/srv/models/../..", "type": "File"}), "volumes[v].hostPath.path"),
        (typed_host_path(None), "volumes[v].hostPath.type"),
        (typed_host_path(""), "volumes[v].hostPath.type"),
        (typed_host_path("DirectoryOrCreate"), "volumes[v].hostPath.type"),
        (typed_host_path("FileOrCreate"), "volumes[v].hostPath.type"),
        (typed_host_path("Socket"), "volumes[v].hostPath.type"),
        (typed_host_path("CharDevice"), "volumes[v].hostPath.type"),
        (typed_host_path("BlockDevice"), "volumes[v].hostPath.type"),
        (
            volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
            "volumes[v].projected.sources",
        ),
        (volume(projected={"sources": [{"podCertificate": {}}]}), "volumes[v].projected.sources"),
        (main(securityContext=None), "containers[main].securityContext.allowPrivilegeEscalation"),
        (guarded(privileged=True), "containers[main].securityContext.privileged"),
        (guarded(allowPrivilegeEscalation=True), "containers[main].securityContext.allowPrivilegeEscalation"),
        (guarded(capabilities={"add": ["SYS_ADMIN"]}), "containers[main].securityContext.capabilities.add"),
        (guarded(capabilities={"drop": []}), "containers[main].securityContext.capabilities.drop"),
        (guarded(capabilities=None), "containers[main].securityContext.capabilities.drop"),
        (guarded(runAsUser=0), "containers[main].securityContext.runAsUser"),
        (guarded(runAsNonRoot=False), "containers[main].securityContext.runAsNonRoot"),
        (guarded(procMount="Unmasked"), "containers[main].securityContext.procMount"),
        (
            guarded(seccompProfile={"type": "Unconfined"}),
            "containers[main].securityContext.seccompProfile.type",
        ),
        (
            main(ports=[{"containerPort": 8000, "hostPort": 80}]),
            "containers[main].ports[8000].hostPort",
        ),
        (main(startupProbe={"httpGet": {"host": "10.0.0.1"}}), "containers[main].startupProbe.host"),
        (
            main(lifecycle={"postStart": {"tcpSocket": {"host": "x"}}}),
            "containers[main].lifecycle.postStart.host",
        ),
        (
            pod(initContainers=[{"name": "a", "securityContext": {"privileged": True}}]),
            "initContainers[a].securityContext.privileged",
        ),
        (
            pod(containers=[{"name": "logs", "securityContext": {"capabilities": {"drop": ["KILL"]}}}]),
            "containers[logs].securityContext.capabilities.drop",
        ),
    ],
)
def test_what_a_pod_may_not_have_is_refused(template: dict[str, Any], field: str) -> None:
    found = faults(template)

    assert f"spec.template.spec.{field}" in [fault.field for fault in found]
    assert {fault.reason for fault in found} == {"ForbiddenTemplate"}


@pytest.mark.parametrize("mount", [{}, {"readOnly": False}])
def test_a_folder_of_the_node_is_mounted_read_only(mount: dict[str, Any]) -> None:
    (fault,) = faults(host_path("/srv/models/llama", **mount))

    assert fault.field == "spec.template.spec.containers[main].volumeMounts[/v].readOnly"


def test_a_folder_of_the_node_that_the_administrator_allows_may_be_read() -> None:
    assert faults(host_path("/srv//models/llama/", readOnly=True)) == []


@pytest.mark.parametrize("mount", [{"subPath": "a/b"}, {"subPathExpr": "$(POD)/b"}])
def test_a_folder_within_a_volume_of_the_node_is_refused_as_the_kubelet_would_make_it(
    mount: dict[str, str],
) -> None:
    (fault,) = faults(host_path("/srv/models/llama", readOnly=True, **mount))

    assert fault.field.endswith("volumeMounts[/v].subPath")


def test_the_mount_of_a_node_path_model_stays_read_only() -> None:
    service = inference_service(
        uri="file:///srv/models/llama",
        template=main(volumeMounts=[{"mountPath": "/model", "readOnly": False}]),
    )

    assert [fault.field for fault in deployment.faults(service, SETTINGS)] == [
        "spec.template.spec.containers[main].volumeMounts[/model].readOnly"
    ]


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"setpoint.dev/inferenceservice": "other"}}, "labels[setpoint.dev/inferenceservice]"),
        ({"labels": {"app.kubernetes.io/component": None}}, "labels[app.kubernetes.io/component]"),
        ({"labels": {"setpoint.dev/x": "y"}}, "labels[setpoint.dev/x]"),
        ({"annotations": {"setpoint.dev/limits": "{}"}}, "annotations[setpoint.dev/limits]"),
    ],
)
def test_the_names_by_which_setpoint_knows_its_pods_stay(metadata: dict[str, Any], field: str) -> None:
    assert [fault.field for fault in faults({"metadata": metadata})] == [f"spec.template.metadata.{field}"]


@pytest.mark.parametrize(
    ("annotation", "instead"),
    [
        ("container.apparmor.security.beta.kubernetes.io/main", "securityContext.appArmorProfile"),
        ("container.seccomp.security.alpha.kubernetes.io/main", "securityContext.seccompProfile"),
        ("seccomp.security.alpha.kubernetes.io/pod", "securityContext.seccompProfile"),
    ],
)
def test_an_annotation_is_no_way_to_another_profile(annotation: str, instead: str) -> None:
    (fault,) = faults({"metadata": {"annotations": {annotation: "unconfined"}}})

    assert fault.field == f"spec.template.metadata.annotations[{annotation}]"
    assert fault.reason == "ForbiddenTemplate"
    assert instead in fault.message


@pytest.mark.parametrize(
    "template",
    [
        {"metadata": {"labels": {"team": "a", "app.kubernetes.io/name": "x"}, "annotations": {"a": "b"}}},
        pod(nodeSelector={"a": "b"}, tolerations=[{"operator": "Exists"}], runtimeClassName="nvidia"),
        pod(
            securityContext={
                "runAsUser": 1000,
                "sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}],
            }
        ),
        pod(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "x.json"}}),
        pod(hostNetwork=False, serviceAccountName="chat", hostUsers=False),
        volume(configMap={"name": "x"}),
        typed_host_path("Directory"),
        typed_host_path("File"),
        volume(projected={"sources": [{"secret": {"name": "x"}}, {"configMap": {"name": "y"}}]}),
        guarded(readOnlyRootFilesystem=False, capabilities={"add": ["NET_BIND_SERVICE"]}, privileged=False),
        main(image="own", readinessProbe={"httpGet": {"path": "/ready"}}),
    ],
)
def test_what_a_tenants_pod_may_have_is_taken(template: dict[str, Any]) -> None:
    assert faults(template) == []


def test_a_container_of_the_template_starts_from_the_security_floor() -> None:
    service = inference_service(
        template=pod(
            containers=[{"name": "logs", "image": "x", "securityContext": {"readOnlyRootFilesystem": True}}],
            initContainers=[{"name": "fetch", "image": "y"}],
        )
    )

    spec = deployment.pod_template(service, SETTINGS)["spec"]
    floor = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert spec["containers"][1]["securityContext"] == {**floor, "readOnlyRootFilesystem": True}
    assert spec["initContainers"] == [{"name": "fetch", "image": "y", "securityContext": floor}]


def test_a_malformed_template_does_not_hide_what_it_may_not_have() -> None:
    found = faults(
        pod(
            hostNetwork=True,
            hostPID="yes",
            containers=[{"image": "x"}, {"name": "main", "securityContext": {"privileged": True}}],
        )
    )

    assert {fault.field: fault.reason for fault in found} == {
        "spec.template.spec.hostPID": "InvalidTemplate",
        "spec.template.spec.containers[0].name": "InvalidTemplate",
        "spec.template.spec.hostNetwork": "ForbiddenTemplate",
        "spec.template.spec.containers[main].securityContext.privileged": "ForbiddenTemplate",
    }


FIELDS = st.sampled_from(
    [
        "metadata",
        "labels",
        "spec",
        "containers",
        "initContainers",
        "volumes",
        "env",
        "ports",
        "name",
        "hostPath",
        "securityContext",
        "capabilities",
        "drop",
        "projected",
        "sources",
        "httpGet",
        "livenessProbe",
        "lifecycle",
        "containerPort",
        "protocol",
        "mountPath",
        "volumeMounts",
        "path",
        "value",
        "valueFrom",
        "x",
    ]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(["main", "ALL", "x", ""])
    | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=25,
)


@given(
    st.fixed_dictionaries(
        {}, optional={"metadata": ANYTHING, "spec": st.dictionaries(FIELDS, ANYTHING, max_size=4)}
    )
)
def test_no_template_makes_the_judgement_fail(template: dict[str, Any]) -> None:
    service = inference_service(template=template)

    assert deployment.faults(service, SETTINGS) or deployment.pod_template(service, SETTINGS)
