"""What the administrator decides for all services, once, in the chart's values.

The chart renders these into a file that the operator reads at start; `setpoint render` takes the same file,
so that what the operator would apply can be seen without a cluster.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


def _node_folder(path: str) -> str:
    if path.startswith("/") and ".." not in path.split("/"):
        return path
    message = "{path} must be an absolute path without .., such as /srv/models"
    raise PydanticCustomError("node_folder", message, {"path": repr(path)})


class Settings(BaseModel):
    """The administrator's decisions; the defaults are the chart's."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        frozen=True,
        extra="forbid",
    )

    vllm_image: str = "docker.io/vllm/vllm-openai"
    """Repository of vLLM's images; the tag is `v` and the service's engine.version. A mirror goes here."""
    image_pull_secrets: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """Names of the pull secrets that engine pods carry; they must exist in the services' namespaces."""
    allowed_node_paths: tuple[Annotated[str, AfterValidator(_node_folder)], ...] = ()
    """Folders of the node that a file:// model, or a hostPath volume of a template, may name or lie under."""
    hugging_face_endpoint: str | None = None
    """Address of a Hub other than huggingface.co (HF_ENDPOINT)."""
