"""The parts of a pod template that are merged or judged, typed.

What stands here is what template_merge.py needs to tell items apart and what template_policy.py looks at; the
rest of a pod template passes through, and the API server judges it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

FIELD = "spec.template"


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True, extra="ignore")


class Profile(_Part):
    """A seccomp or AppArmor profile."""

    type: str | None = None


class SeLinuxOptions(_Part):
    """SELinux labels."""

    type: str | None = None
    user: str | None = None
    role: str | None = None


class WindowsOptions(_Part):
    """Options of Windows."""

    host_process: bool | None = None


class SecurityContext(_Part):
    """What the security contexts of a pod and of a container have in common."""

    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    seccomp_profile: Profile | None = None
    app_armor_profile: Profile | None = None
    se_linux_options: SeLinuxOptions | None = None
    windows_options: WindowsOptions | None = None


class Sysctl(_Part):
    """A kernel parameter of the pod."""

    name: str


class PodSecurityContext(SecurityContext):
    """A pod's security context."""

    sysctls: list[Sysctl] | None = None


class Capabilities(_Part):
    """Linux capabilities."""

    add: list[str] | None = None
    drop: list[str] | None = None


class ContainerSecurityContext(SecurityContext):
    """A container's security context."""

    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    proc_mount: str | None = None
    capabilities: Capabilities | None = None


class Port(_Part):
    """A port of a container."""

    container_port: int
    protocol: str | None = None
    host_port: int | None = None


class VolumeMount(_Part):
    """Where a container sees a volume."""

    name: str | None = None
    mount_path: str
    read_only: bool | None = None
    sub_path: str | None = None
    sub_path_expr: str | None = None


class VolumeDevice(_Part):
    """Where a container sees a block volume."""

    name: str | None = None
    device_path: str


class Named(_Part):
    """An item told apart by its name."""

    name: str


class Target(_Part):
    """An address that a probe or a hook calls."""

    host: str | None = None


class Handler(_Part):
    """A probe, or a hook of a container's life."""

    http_get: Target | None = None
    tcp_socket: Target | None = None


class Lifecycle(_Part):
    """The hooks of a container's life."""

    post_start: Handler | None = None
    pre_stop: Handler | None = None


class Container(Named):
    """A container, an initialising one too."""

    image: str | None = None
    command: Any = None
    args: Any = None
    security_context: ContainerSecurityContext | None = None
    ports: list[Port] | None = None
    env: list[Named] | None = None
    volume_mounts: list[VolumeMount] | None = None
    volume_devices: list[VolumeDevice] | None = None
    startup_probe: Handler | None = None
    readiness_probe: Handler | None = None
    liveness_probe: Handler | None = None
    lifecycle: Lifecycle | None = None


class HostPath(_Part):
    """A path of the node."""

    path: str
    type: str | None = None


class SecretVolume(_Part):
    """A Secret as files."""

    secret_name: str | None = None
    optional: bool | None = None


class Source(_Part):
    """A Secret, ConfigMap or ClusterTrustBundle by name, as files."""

    name: str | None = None
    optional: bool | None = None


class ProjectedSource(_Part):
    """One source of a projected volume."""

    model_config = ConfigDict(extra="allow")

    secret: Source | None = None
    config_map: Source | None = None
    cluster_trust_bundle: Source | None = None

    @property
    def kinds(self) -> set[str]:
        """The kinds that it names: one, if it is as it should be."""
        return _named(self)


class Projected(_Part):
    """A volume of several sources."""

    sources: list[ProjectedSource] | None = None


class Volume(Named):
    """A volume: its name and one source."""

    model_config = ConfigDict(extra="allow")

    host_path: HostPath | None = None
    secret: SecretVolume | None = None
    config_map: Source | None = None
    projected: Projected | None = None

    @property
    def sources(self) -> set[str]:
        """The sources that the volume names."""
        return _named(self) - {"name"}


def _named(part: BaseModel) -> set[str]:
    """Return the fields that a part has, typed here or not, as JSON names them."""
    fields = type(part).model_fields
    return {fields[name].alias or name if name in fields else name for name in part.model_fields_set}


class HostAlias(_Part):
    """An entry of /etc/hosts."""

    ip: str


class TopologySpreadConstraint(_Part):
    """How pods are spread."""

    topology_key: str
    when_unsatisfiable: str | None = None


class PodSpec(_Part):
    """A pod's specification."""

    host_network: bool | None = None
    host_pid: Annotated[bool | None, Field(alias="hostPID")] = None
    host_ipc: Annotated[bool | None, Field(alias="hostIPC")] = None
    node_name: str | None = None
    service_account_name: str | None = None
    service_account: str | None = None
    automount_service_account_token: bool | None = None
    security_context: PodSecurityContext | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    ephemeral_containers: list[Any] | None = None
    volumes: list[Volume] | None = None
    image_pull_secrets: list[Named] | None = None
    resource_claims: list[Named] | None = None
    scheduling_gates: list[Named] | None = None
    eviction_responders: list[Named] | None = None
    host_aliases: list[HostAlias] | None = None
    topology_spread_constraints: list[TopologySpreadConstraint] | None = None


class Metadata(_Part):
    """A pod template's metadata: a pod's name, owners and the like are not the template's to set."""

    model_config = ConfigDict(extra="forbid")

    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None


class PodTemplate(_Part):
    """A pod template, or a fragment of one."""

    model_config = ConfigDict(extra="forbid")

    metadata: Metadata | None = None
    spec: PodSpec | None = None
