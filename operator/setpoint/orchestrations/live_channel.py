"""How the plugin and the limits file reach an engine's pod.

The limits file comes to every pod. The plugin comes where its place on PYTHONPATH costs nothing: a pod's
PYTHONPATH replaces its image's, and only of the images that engine.version chooses it is known that they set
none (docker/Dockerfile of vLLM). For another image the template says what it sets, be it nothing. Where a
template turns vLLM's Rust front end on, nothing of ours is switched on: it loads no Python, and does not
start with --middleware.
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.engines import vllm_plugin
from setpoint.engines.container import CONTAINER_NAME, LIMITS_PATH
from setpoint.engines.vllm_plugin import FRONT_END
from setpoint.faults import Fault
from setpoint.orchestrations.template_shape import FIELD

PLUGIN_VOLUME, LIMITS_VOLUME = "setpoint-plugin", "setpoint-limits"
_LIMITS_VARIABLES = frozenset({"SETPOINT_LIMITS_FILE", "SETPOINT_LIMITS_ANNOTATION_FILE"})


def plugin_name(service: InferenceService) -> str:
    """Return the name of the ConfigMap with the plugin as this version of the operator has it."""
    return f"{_plugin_prefix(service.metadata.name)}{vllm_plugin.content_hash()}"


def is_plugin(service_name: str, config_map_name: str) -> bool:
    """Return whether a ConfigMap of a service holds the plugin, of whatever version."""
    return config_map_name.startswith(_plugin_prefix(service_name))


def plugin_of(template: Mapping[str, Any]) -> str | None:
    """Return the name of the ConfigMap from which a rendered pod template has its plugin."""
    volumes = {each["name"]: each for each in template["spec"].get("volumes", [])}
    name: str | None = volumes.get(PLUGIN_VOLUME, {}).get("configMap", {}).get("name")
    return name


def takes_plugin(service: InferenceService) -> bool:
    """Return whether the plugin can come to the service's pods. Its template must be sound."""
    variables = _variables(service)
    return _is_found(service, variables) and vllm_plugin.is_python_front_end(variables.get(FRONT_END))


def faults(service: InferenceService) -> Iterator[Fault]:
    """Yield what takes the channel's place in the pod, and the fault of a promise that nobody would judge.

    The service's template must be sound.
    """
    spec = service.spec.template.get("spec") or {}
    for volume in spec.get("volumes") or ():
        if volume["name"] in {PLUGIN_VOLUME, LIMITS_VOLUME}:
            message = "is the name of a volume of Setpoint's own: use another"
            yield Fault(f"{FIELD}.spec.volumes", volume["name"], message, Reason.FORBIDDEN_TEMPLATE)
    main = _main(service.spec.template)
    for mount in main.get("volumeMounts") or ():
        if posixpath.normpath(mount["mountPath"]) in {vllm_plugin.FOLDER, LIMITS_PATH}:
            field = f"{FIELD}.spec.containers[{CONTAINER_NAME}].volumeMounts"
            message = "is where Setpoint mounts its own files: use another path"
            yield Fault(field, mount["mountPath"], message, Reason.FORBIDDEN_TEMPLATE)
    names = {each["name"] for each in main.get("env") or ()}
    if service.spec.slo and (("env" in main and main["env"] is None) or names & _LIMITS_VARIABLES):
        message = "takes away where the engine reads its promise: leave SETPOINT_LIMITS_* as they are"
        yield Fault("spec.slo", "...", message, Reason.PLUGIN_UNREACHABLE)
    variables = _variables(service)
    if service.spec.slo and not vllm_plugin.is_python_front_end(variables.get(FRONT_END)):
        field = f"{FIELD}.spec.containers[{CONTAINER_NAME}].env[{FRONT_END}]"
        variable = variables[FRONT_END]
        value = "valueFrom ..." if variable.get("valueFrom") else variable.get("value")
        message = (
            "is not 0: vLLM's Rust front end loads no Python, so nobody would judge or keep spec.slo; remove"
            " this variable, or remove spec.slo"
        )
        yield Fault(field, value or "", message, Reason.PLUGIN_UNREACHABLE)
    if service.spec.slo and not _is_found(service, variables):
        remedy = (
            "needs Setpoint's plugin, which in an image of your own, or with envFrom, would replace a"
            f" PYTHONPATH that is not known: set that variable of container {CONTAINER_NAME} in spec.template"
            ' to what it is there, or to "" if there is none; a valueFrom, there or of VLLM_PLUGINS, cannot'
            " be added to"
        )
        yield Fault("spec.slo", "...", remedy, Reason.PLUGIN_UNREACHABLE)


def with_plugin(template: dict[str, Any]) -> dict[str, Any]:
    """Return a merged pod template in which the engine's container, if it has one, finds the plugin."""
    spec = template.get("spec", {})
    containers = [
        {**each, "env": vllm_plugin.environment(each.get("env", []))}
        if each["name"] == CONTAINER_NAME
        else each
        for each in spec.get("containers", [])
    ]
    return {**template, "spec": {**spec, "containers": containers}} if containers else template


def _is_found(service: InferenceService, variables: Mapping[str, Any]) -> bool:
    """Whether Python finds the plugin in the service's pods, and vLLM may load it."""
    main = _main(service.spec.template)
    is_vllms_own = service.spec.engine.image is None and not main.get("image") and not main.get("envFrom")
    return (is_vllms_own or "PYTHONPATH" in variables) and all(
        vllm_plugin.is_readable(variables.get(name)) for name in ("PYTHONPATH", "VLLM_PLUGINS")
    )


def _variables(service: InferenceService) -> dict[str, Mapping[str, Any]]:
    """The variables that the template sets in the engine's container, by name."""
    return {each["name"]: each for each in _main(service.spec.template).get("env") or ()}


def _plugin_prefix(service_name: str) -> str:
    return f"{service_name}-plugin-"


def _main(template: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = (template.get("spec") or {}).get("containers") or ()
    return next((each for each in containers if each["name"] == CONTAINER_NAME), {})
