"""What a `spec.template` may not make of an engine's pod.

Setpoint creates pods with its own rights, so a tenant who may write an InferenceService must not gain
through it what only someone trusted with more may have. Held are the Pod Security Standard `restricted`
(read from k8s.io/pod-security-admission 0.37) whether or not the namespace enforces it, and beyond it: the
pod's identity (an InferenceService named like another ServiceAccount must not get that one's tokens), the
choice of a node past the scheduler, and the labels by which the Service and the Deployment know the pod. A
hostPath is allowed where the administrator allows the folder, and read-only, since other tenants read it
too.

Judged is the merged pod and not the fragment: a template can also do harm by taking something away.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from setpoint import node_paths
from setpoint.api.reasons import Reason
from setpoint.faults import Fault
from setpoint.orchestrations import template_shape as shape

SECURITY_FLOOR: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""The security context that a container of the template starts from."""

RESERVED_PREFIX = "setpoint.dev/"
_PROFILE_ANNOTATIONS = {
    "container.apparmor.security.beta.kubernetes.io/": "securityContext.appArmorProfile",
    "container.seccomp.security.alpha.kubernetes.io/": "securityContext.seccompProfile",
    "seccomp.security.alpha.kubernetes.io/": "securityContext.seccompProfile",
}
"""Prefixes of the annotations that named profiles before fields did, each with the field (k8s.io/api
core/v1, annotation_key_constants.go)."""
_HOST_PATH_TYPES = frozenset({"Directory", "File"})
"""With any other, and with none, what is missing is created as root, or a socket or device of the node is
reached.
"""
_REASON = Reason.FORBIDDEN_TEMPLATE
_SPEC = f"{shape.FIELD}.spec"
_VOLUME_SOURCES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "hostPath",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_PROJECTED_SOURCES = frozenset({"clusterTrustBundle", "configMap", "downwardAPI", "secret"})
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_notsent_lowat",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


def faults(
    merged: Mapping[str, Any],
    *,
    labels: Mapping[str, str],
    service_account: str,
    allowed_node_paths: Sequence[str],
) -> list[Fault]:
    """Return what a merged pod template has that a tenant's pod may not.

    `labels` are those that must stand as they are. Raises pydantic.ValidationError when the fragment that
    was merged has not passed template_check.
    """
    template = shape.PodTemplate.model_validate(merged)
    metadata, pod = template.metadata or shape.Metadata(), template.spec or shape.PodSpec()
    node_volumes = {volume.name for volume in pod.volumes or [] if volume.host_path}
    return [
        *_metadata_faults(metadata, labels),
        *_pod_faults(pod, service_account),
        *_pod_security_faults(pod.security_context or shape.PodSecurityContext()),
        *_volume_faults(pod, allowed_node_paths),
        *_container_faults("containers", pod.containers or [], node_volumes),
        *_container_faults("initContainers", pod.init_containers or [], node_volumes),
    ]


def _fault(field: str, value: Any, message: str) -> Fault:
    return Fault(field, value if isinstance(value, str) else json.dumps(value), message, _REASON)


def _metadata_faults(metadata: shape.Metadata, ours: Mapping[str, str]) -> Iterator[Fault]:
    labels, annotations = metadata.labels or {}, metadata.annotations or {}
    for key, value in ours.items():
        if labels.get(key) != value:
            message = f"would hide the pod from Setpoint, which knows it by {value!r}: use another label"
            yield _fault(f"{shape.FIELD}.metadata.labels[{key}]", labels.get(key), message)
    for name, values in (("labels", labels), ("annotations", annotations)):
        for key, text in values.items():
            if key.startswith(RESERVED_PREFIX) and key not in ours:
                message = "has a name that is Setpoint's to set: use one of your own"
                yield _fault(f"{shape.FIELD}.metadata.{name}[{key}]", text, message)
    for key, text in annotations.items():
        field = next((of for prefix, of in _PROFILE_ANNOTATIONS.items() if key.startswith(prefix)), None)
        if field:
            message = f"would set a profile past the rules for {field}: use that field"
            yield _fault(f"{shape.FIELD}.metadata.annotations[{key}]", text, message)


def _pod_faults(pod: shape.PodSpec, service_account: str) -> Iterator[Fault]:
    if pod.host_network:
        yield _fault(f"{_SPEC}.hostNetwork", True, "would share the node's network: remove it")
    if pod.host_pid:
        yield _fault(f"{_SPEC}.hostPID", True, "would share the node's processes: remove it")
    if pod.host_ipc:
        yield _fault(f"{_SPEC}.hostIPC", True, "would share the node's memory segments: remove it")
    if pod.node_name:
        yield _fault(f"{_SPEC}.nodeName", pod.node_name, "would pass by the scheduler: use nodeSelector")
    for name, account in (
        ("serviceAccountName", pod.service_account_name or ""),
        ("serviceAccount", pod.service_account or service_account),
    ):
        if account != service_account:
            message = (
                f"is not the engine's own identity: remove it, and grant what is needed to {service_account}"
            )
            yield _fault(f"{_SPEC}.{name}", account, message)
    if pod.automount_service_account_token is not False:
        message = "would give the engine a token for the Kubernetes API: remove it"
        yield _fault(f"{_SPEC}.automountServiceAccountToken", pod.automount_service_account_token, message)
    if pod.ephemeral_containers:
        yield _fault(f"{_SPEC}.ephemeralContainers", "...", "cannot stand in a template: use kubectl debug")


def _pod_security_faults(context: shape.PodSecurityContext) -> Iterator[Fault]:
    field = f"{_SPEC}.securityContext"
    yield from _shared_security_faults(field, context)
    if context.run_as_non_root is None:
        yield _fault(f"{field}.runAsNonRoot", None, "must be true: leave it")
    if context.seccomp_profile is None:
        yield _fault(f"{field}.seccompProfile", None, "must be RuntimeDefault or Localhost: leave it")
    for sysctl in context.sysctls or []:
        if sysctl.name not in _SAFE_SYSCTLS:
            yield _fault(f"{field}.sysctls", sysctl.name, "reaches beyond the pod: have it set on the node")


def _shared_security_faults(field: str, context: shape.SecurityContext) -> Iterator[Fault]:
    if context.run_as_non_root is False:
        yield _fault(f"{field}.runAsNonRoot", False, "would allow root: remove it")
    if context.run_as_user == 0:
        yield _fault(f"{field}.runAsUser", 0, "is root: use another user id")
    for name, profile, types in (
        ("seccompProfile", context.seccomp_profile, {"RuntimeDefault", "Localhost"}),
        ("appArmorProfile", context.app_armor_profile, {"RuntimeDefault", "Localhost"}),
    ):
        if profile and profile.type not in types:
            yield _fault(
                f"{field}.{name}.type", profile.type, "lifts a guard: use RuntimeDefault or Localhost"
            )
    selinux = context.se_linux_options or shape.SeLinuxOptions()
    if selinux.user or selinux.role or (selinux.type or "") not in _SELINUX_TYPES:
        value = f"user {selinux.user or ''}, role {selinux.role or ''}, type {selinux.type or ''}"
        yield _fault(f"{field}.seLinuxOptions", value, "may only set level, or type container_t and its kin")
    if context.windows_options and context.windows_options.host_process:
        yield _fault(f"{field}.windowsOptions.hostProcess", True, "would be a process of the node: remove it")


def _volume_faults(pod: shape.PodSpec, allowed_node_paths: Sequence[str]) -> Iterator[Fault]:
    for volume in pod.volumes or []:
        field = f"{_SPEC}.volumes[{volume.name}]"
        for source in sorted(volume.sources - _VOLUME_SOURCES):
            yield _fault(field, source, "is no volume that a pod may have: use a persistentVolumeClaim")
        for item in (volume.projected and volume.projected.sources) or []:
            for source in sorted(item.kinds - _PROJECTED_SOURCES):
                message = "would give the engine an identity's token or key: use a configMap or secret"
                yield _fault(f"{field}.projected.sources", source, message)
        if volume.host_path and not node_paths.is_allowed(volume.host_path.path, allowed_node_paths):
            path = volume.host_path.path
            yield _fault(f"{field}.hostPath.path", path, node_paths.remedy(allowed_node_paths))
        if volume.host_path and volume.host_path.type not in _HOST_PATH_TYPES:
            message = "is more than reading what is there: write Directory or File"
            yield _fault(f"{field}.hostPath.type", volume.host_path.type, message)


def _container_faults(
    kind: str, containers: Sequence[shape.Container], node_volumes: AbstractSet[str]
) -> Iterator[Fault]:
    for container in containers:
        field = f"{_SPEC}.{kind}[{container.name}]"
        context = container.security_context or shape.ContainerSecurityContext()
        yield from _shared_security_faults(f"{field}.securityContext", context)
        yield from _privilege_faults(f"{field}.securityContext", context)
        for port in container.ports or []:
            if port.host_port:
                message = "would take a port of the node: remove it, the Service reaches the pod"
                yield _fault(f"{field}.ports[{port.container_port}].hostPort", port.host_port, message)
        for mount in container.volume_mounts or []:
            if mount.name in node_volumes and not mount.read_only:
                message = "must be true, since others read the node's folder: set it"
                yield _fault(f"{field}.volumeMounts[{mount.mount_path}].readOnly", mount.read_only, message)
            if mount.name in node_volumes and (sub_path := mount.sub_path or mount.sub_path_expr):
                message = "would have the kubelet make folders on the node: name the folder in the volume"
                yield _fault(f"{field}.volumeMounts[{mount.mount_path}].subPath", sub_path, message)
        yield from _handler_faults(field, container)


def _privilege_faults(field: str, context: shape.ContainerSecurityContext) -> Iterator[Fault]:
    if context.privileged:
        yield _fault(f"{field}.privileged", True, "would give the node's own rights: remove it")
    if context.allow_privilege_escalation is not False:
        value = context.allow_privilege_escalation
        yield _fault(f"{field}.allowPrivilegeEscalation", value, "must be false: leave it")
    if context.proc_mount not in {None, "Default"}:
        yield _fault(f"{field}.procMount", context.proc_mount, "would unmask /proc: remove it")
    capabilities = context.capabilities or shape.Capabilities()
    for added in capabilities.add or []:
        if added != "NET_BIND_SERVICE":
            yield _fault(f"{field}.capabilities.add", added, "is more than NET_BIND_SERVICE: remove it")
    if "ALL" not in (capabilities.drop or []):
        yield _fault(f"{field}.capabilities.drop", capabilities.drop, "must contain ALL: leave it")


def _handler_faults(field: str, container: shape.Container) -> Iterator[Fault]:
    lifecycle = container.lifecycle or shape.Lifecycle()
    for name, handler in (
        ("startupProbe", container.startup_probe),
        ("readinessProbe", container.readiness_probe),
        ("livenessProbe", container.liveness_probe),
        ("lifecycle.postStart", lifecycle.post_start),
        ("lifecycle.preStop", lifecycle.pre_stop),
    ):
        for target in (handler.http_get, handler.tcp_socket) if handler else ():
            if target and target.host:
                message = "would make the kubelet call another host than the pod: remove it"
                yield _fault(f"{field}.{name}.host", target.host, message)
