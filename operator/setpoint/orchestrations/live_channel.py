"""How the plugin and the limits file reach an engine's pod.

The limits file comes to every pod. The plugin comes where its place on PYTHONPATH costs nothing: a pod's
PYTHONPATH replaces its image's, and only of the images that engine.version chooses it is known that they set
none (docker/Dockerfile of vLLM). For another image the template says what it sets, be it nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.engines import vllm_plugin
from setpoint.engines.container import CONTAINER_NAME
from setpoint.faults import Fault

PLUGIN_VOLUME = "setpoint-plugin"


def plugin_name(service: InferenceService) -> str:
    """Return the name of the ConfigMap with the plugin as this version of the operator has it."""
    return f"{_plugin_prefix(service)}{vllm_plugin.content_hash()}"


def is_plugin(service: InferenceService, config_map_name: str) -> bool:
    """Return whether a ConfigMap of the service holds the plugin, of whatever version."""
    return config_map_name.startswith(_plugin_prefix(service))


def plugin_of(template: Mapping[str, Any]) -> str | None:
    """Return the name of the ConfigMap from which a rendered pod template has its plugin."""
    volumes = {each["name"]: each for each in template["spec"].get("volumes", [])}
    name: str | None = volumes.get(PLUGIN_VOLUME, {}).get("configMap", {}).get("name")
    return name


def takes_plugin(service: InferenceService) -> bool:
    """Return whether the plugin can come to the service's pods. Its template must be sound."""
    main = _main(service.spec.template)
    variables = {each["name"]: each for each in main.get("env") or ()}
    is_known = (service.spec.engine.image is None and "image" not in main) or "PYTHONPATH" in variables
    return is_known and all(
        vllm_plugin.is_readable(variables.get(name)) for name in ("PYTHONPATH", "VLLM_PLUGINS")
    )


def faults(service: InferenceService) -> Iterator[Fault]:
    """Yield the fault of a promise that nobody would judge. The service's template must be sound."""
    if service.spec.slo and not takes_plugin(service):
        remedy = (
            "needs Setpoint's plugin in an image of your own, whose PYTHONPATH it would replace: set the"
            f" variable PYTHONPATH of container {CONTAINER_NAME} in spec.template to what the image sets, or"
            ' to "" if it sets none; a value that comes from elsewhere (valueFrom), there or of'
            " VLLM_PLUGINS, cannot be added to"
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


def _plugin_prefix(service: InferenceService) -> str:
    return f"{service.metadata.name}-plugin-"


def _main(template: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = (template.get("spec") or {}).get("containers") or ()
    return next((each for each in containers if each["name"] == CONTAINER_NAME), {})
