"""The parts of a pod template that are merged or judged, typed: a malformed `spec.template` is told by field.

What stands here is what template_merge.py needs to tell items apart and what template_policy.py looks at; the
rest of a pod template passes through, and the API server judges it. The engine's command line is no part of a
template, since fields of the spec make it.

A fault reaches the status and logs, so it shows no more of a value than people need to find it: of a map or
list its kind, and of what stands in an environment, where tokens are, the kind too.
"""

import datetime
import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from setpoint.api.reasons import Reason
from setpoint.engines.container import CONTAINER_NAME
from setpoint.faults import Fault

FIELD = "spec.template"
_REASON = Reason.INVALID_TEMPLATE
_COMMAND_LINE = {
    "args": "would pass by the rules for spec.engine.args: use that",
    "command": "is not the template's to set: remove it, the image's entry point is used",
}
_DEEPEST = 32
"""Levels of maps and lists, thrice what a pod template has: deeper ones could exhaust the stack."""
_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is no field of a template: use metadata.labels, metadata.annotations or spec",
    "model_type": "must be a map",
    "dict_type": "must be a map",
    "list_type": "must be a list",
    "string_type": "must be text: quote it",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
}
_KINDS = {
    dict: "a map",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


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


class Projected(_Part):
    """A volume of several sources."""

    sources: list[dict[str, Any]] | None = None


class Volume(Named):
    """A volume: its name and one source."""

    model_config = ConfigDict(extra="allow")

    host_path: HostPath | None = None
    projected: Projected | None = None

    @property
    def sources(self) -> set[str]:
        """The sources that the volume names."""
        own = {to_camel(name) for name in self.model_fields_set - {"name"}}
        return own | set(self.model_extra or {})


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


def faults(template: dict[str, Any]) -> list[Fault]:
    """Return where a `spec.template` is not a fragment of a pod template that can be merged."""
    not_json = list(_not_json((), template))
    if not_json:
        return not_json
    try:
        parts = PodTemplate.model_validate(template)
    except ValidationError as error:
        return [
            Fault(
                path(error_at["loc"]),
                "" if error_at["type"] == "missing" else _shown(error_at["loc"], error_at["input"]),
                _MESSAGES.get(error_at["type"], error_at["msg"]),
                _REASON,
            )
            for error_at in error.errors(include_url=False)
        ]
    return list(_command_line_faults(parts.spec or PodSpec()))


def path(location: tuple[int | str, ...]) -> str:
    """Return a place within a template as people write it: spec.template.spec.containers[0].name."""
    return FIELD + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)


def _command_line_faults(pod: PodSpec) -> Iterator[Fault]:
    """Yield the engine's command and args; their values, which may have a key in them, are not shown."""
    for container in pod.containers or []:
        for name in sorted(_COMMAND_LINE.keys() & container.model_fields_set):
            if container.name == CONTAINER_NAME:
                field = f"{FIELD}.spec.containers[{container.name}].{name}"
                yield Fault(field, "", _COMMAND_LINE[name], _REASON)


def _shown(location: tuple[int | str, ...], value: Any) -> str:
    scalar = value is None or isinstance(value, str | int | float | datetime.date)
    if scalar and "env" not in location:
        return str(value).encode(errors="backslashreplace").decode()
    return _KINDS.get(type(value), type(value).__name__)


def _not_json(location: tuple[int | str, ...], value: Any) -> Iterator[Fault]:
    """Yield what JSON cannot say (YAML reads 2020-01-01 as a date), and directives, which are no fields."""
    if len(location) > _DEEPEST:
        yield Fault(path(location), "...", f"is more than {_DEEPEST} levels deep: no pod is", _REASON)
    elif isinstance(value, dict):
        for key, item in value.items():
            remedy = _no_key(key)
            if remedy:
                yield Fault(path(location), _shown((), key), remedy, _REASON)
            else:
                yield from _not_json((*location, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_json((*location, index), item)
    elif remedy := _no_scalar(value):
        yield Fault(path(location), _shown(location, value), remedy, _REASON)


def _no_key(key: Any) -> str | None:
    if not isinstance(key, str):
        return "is a key and must be text: quote it"
    if key.startswith("$"):
        return "is a directive, which is not supported: set a field to null to take it away"
    return _no_scalar(key)


def _no_scalar(value: Any) -> str | None:
    if isinstance(value, str):
        surrogate = not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
        return "is not Unicode text: remove the surrogates" if surrogate else None
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a number that JSON has: use a finite one"
    return None if value is None or isinstance(value, int) else "is no value that JSON has: quote it"
