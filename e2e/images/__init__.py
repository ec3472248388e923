"""The container images of the demo and the end-to-end tests, as archives that a cluster loads.

Each is built from a Dockerfile by docker where its daemon runs, else by buildah on a Debian root of our own,
so that no registry is needed. An image is named after the content that went into it: asking for one that is
there takes no build and under a second, and a pod with imagePullPolicy IfNotPresent runs what the working
tree holds.

`python -m e2e.images operator|stand-in|vllm-cpu` builds one and prints its archive and reference.
"""

import platform
from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.fakes.hub import OPEN_REPOSITORY, SHAPE_REPOSITORY
from e2e.images.recipe import Image, Recipe, build

__all__ = ["ENGINE_ARGS", "MODEL_URI", "SHAPE_URI", "Image", "operator", "stand_in", "vllm_cpu"]

MODEL_URI = f"hf://{OPEN_REPOSITORY}"
"""The tiny model of the local Hub, which both engines serve."""
SHAPE_URI = f"hf://{SHAPE_REPOSITORY}"
"""The shape of an 8B model, which the simulator alone can serve: as slow as a real one on its GPU."""
ENGINE_ARGS = {"stand-in": ("--max-model-len=512",), "vllm-cpu": ("--max-model-len=512", "--dtype=bfloat16")}
"""The engine.args of an InferenceService with that model, by engine."""

_HERE = Path("e2e/images")


def operator() -> Image:
    """Setpoint itself, from the Dockerfile at the top of the repository."""
    files = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "manifests", "operator")
    return build(Recipe("setpoint", Path("Dockerfile"), files))


def stand_in() -> Image:
    """The simulator, whose entry point is `vllm serve` as in the real engine's image, and e2e.fakes."""
    files = ("pyproject.toml", "uv.lock", "e2e/__init__.py", "e2e/fakes", "e2e/images/stand_in/vllm",
             "operator/setpoint_vllm",
             *(f"operator/setpoint/{part}" for part in ("__init__.py", "simulator", "workload")))  # fmt: skip
    return build(Recipe("setpoint-stand-in", _HERE / "stand_in/Dockerfile", files))


def vllm_cpu() -> Image:
    """Real vLLM for the CPU; 2.9 GB. Raises ClusterError where the machine is no x86-64."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise ClusterError(
            f"real vLLM for the CPU needs x86-64, this is {platform.machine()}: use the stand-in"
        )
    folder = "e2e/images/vllm_cpu"
    files = (f"{folder}/requirements.txt", f"{folder}/cuda_stubs.py")
    return build(Recipe("setpoint-vllm-cpu", _HERE / "vllm_cpu/Dockerfile", files))
