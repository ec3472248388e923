"""What the administrator decides for all services, once, in the chart's values.

The chart renders these into a file that the operator reads at start; `setpoint render` takes the same file,
so that what the operator would apply can be seen without a cluster.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from setpoint.prom.settings import PrometheusSettings
from setpoint.settings_model import SettingsModel

KILL_SWITCH_NAME, KILL_SWITCH_KEY = "setpoint-tuning", "killSwitch"
"""The ConfigMap in the operator's own namespace, and its key, that is "true" while no limit may be moved:
every engine goes back to its start values. It is no setting, as it has to work without a restart."""


def _node_folder(path: str) -> str:
    if path.startswith("/") and ".." not in path.split("/"):
        return path
    message = "{path} must be an absolute path without .., such as /srv/models"
    raise PydanticCustomError("node_folder", message, {"path": repr(path)})


class TuningSettings(SettingsModel):
    """How services are tuned."""

    interval_seconds: Annotated[float, Field(ge=5, le=60, allow_inf_nan=False)] = 15.0
    """Time between two looks at Prometheus, for all services together."""


class Settings(SettingsModel):
    """The administrator's decisions; the defaults are the chart's."""

    vllm_image: str = "docker.io/vllm/vllm-openai"
    """Repository of vLLM's images; the tag is `v` and the service's engine.version. A mirror goes here."""
    image_pull_secrets: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """Names of the pull secrets that engine pods carry; they must exist in the services' namespaces."""
    allowed_node_paths: tuple[Annotated[str, AfterValidator(_node_folder)], ...] = ()
    """Folders of the node that a file:// model, or a hostPath volume of a template, may name or lie under."""
    hugging_face_endpoint: str | None = None
    """Address of a Hub other than huggingface.co (HF_ENDPOINT)."""
    prometheus: PrometheusSettings | None = None
    """Where the engines' metrics are found. Without it nothing is tuned, and no promise is judged."""
    tuning: TuningSettings = Field(default_factory=TuningSettings)
    """How services are tuned."""
